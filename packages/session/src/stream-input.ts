import type { Duplex } from "node:stream";
import { types } from "node:util";
import { formatValue } from "@ipc/transport/internal";

/** The methods of a stream that the library calls. */
const METHODS = [
  "on",
  "once",
  "off",
  "read",
  "write",
  "cork",
  "uncork",
  "end",
  "pause",
  "isPaused",
  "resume",
  "destroy",
] as const;

/**
 * Checks a caller's stream by what the library uses of it, so that the streams of another realm, and of another copy of the stream
 * code such as the package readable-stream, work too. A stream that emits strings is destroyed, so that its other side learns of it.
 * @throws TypeError if something is missing, or if the stream emits strings
 */
export function assertDuplex(stream: unknown, where: string): asserts stream is Duplex {
  const takes = `${where}: \`stream\` takes a Duplex of bytes`;
  if (typeof stream !== "object" || stream === null) throw new TypeError(`${takes}, got ${formatValue(stream)}`);
  const members = stream as Readonly<Record<string, unknown>>;
  const missing = METHODS.find((name) => typeof members[name] !== "function");
  if (missing !== undefined) throw new TypeError(`${takes}, got an object without the method \`${missing}\``);
  if (typeof members["destroyed"] !== "boolean" || typeof members["writableLength"] !== "number")
    throw new TypeError(`${takes}, got an object without \`destroyed\` or \`writableLength\``);
  const encoding = members["readableEncoding"];
  if (typeof encoding !== "string") return;
  (stream as Duplex).destroy();
  throw new TypeError(`${takes}, got one that emits strings (${encoding}); do not call \`setEncoding\` on it`);
}

/**
 * Checks what a caller's stream has emitted: strings after a late `setEncoding`, and in object mode any value.
 *
 * @throws TypeError
 */
export function assertBytes(chunk: unknown): asserts chunk is Uint8Array {
  if (types.isUint8Array(chunk)) return;
  const hint = typeof chunk === "string" ? "do not call `setEncoding` on it" : "it must emit Uint8Arrays";
  throw new TypeError(
    `the stream emitted ${typeof chunk === "string" ? "a string" : formatValue(chunk)}, not bytes; ${hint}`,
  );
}

/** Returns whether the stream has emitted 'end'. Before version 4, readable-stream tells it in its inner state only. */
export function hasEnded(stream: Duplex & { readonly _readableState?: { readonly endEmitted?: boolean } }): boolean {
  return stream.readableEnded ?? stream._readableState?.endEmitted ?? false;
}
