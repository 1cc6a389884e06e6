import { types } from "node:util";
import { UINT32_MAX } from "@ipc/framing";
import type { AbortOptions } from "@ipc/transport";
import { formatValue } from "@ipc/transport/internal";
import { messageTooLargeError } from "../errors.js";
import type { WriteOptions } from "../message.js";
import type { CloseOptions, DrainOptions } from "../peer.js";
import { isAbortSignal, TIMER_MAX_MS } from "./option-reader.js";

/** Default time that `close` allows for sending accepted messages, in milliseconds. */
export const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Returns true for a valid message with at least one byte of data. `validateWrite` decides about all others, because a detached buffer
 * has no bytes either. It is on the path of every write, so it is short.
 */
export function isPlainWrite(type: unknown, data: unknown, maxSize: number): data is Uint8Array {
  if (typeof type !== "number" || type >>> 0 !== type || type === 0 || !types.isUint8Array(data)) return false;
  return data.length > 0 && data.length <= maxSize;
}

/** Returns the error of an invalid message to send, so that a promise can reject with it; undefined if it is valid. */
export function validateWrite(type: unknown, data: unknown, maxSize: number): Error | undefined {
  if (typeof type !== "number") return new TypeError(`write: \`type\` takes a number, got ${formatValue(type)}`);
  if (!Number.isInteger(type) || type < 1 || type > UINT32_MAX) {
    const why = type === 0 ? "message type 0 is reserved; " : "";
    return new RangeError(`write: ${why}\`type\` takes a whole number, 1 … ${UINT32_MAX}, got ${type}`);
  }
  if (!types.isUint8Array(data))
    return new TypeError(`write: \`data\` takes a string or a Uint8Array, got ${formatValue(data)}`);
  if (data.length === 0 && isDetached(data.buffer))
    return new TypeError(
      "write: `data` is detached, because its buffer was transferred; pass a copy, or await the write before",
    );
  return data.length > maxSize ? messageTooLargeError(data.length, maxSize) : undefined;
}

/** Node.js 20 has no `detached`; no view of a detached buffer can be made. */
function isDetached(buffer: ArrayBufferLike): boolean {
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}

/** Returns the error of invalid options of a wait; undefined if they are valid. */
export function validateAbortOptions(what: string, options: AbortOptions | undefined): Error | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null)
    return new TypeError(`${what}: takes an object of options, got ${formatValue(options)}`);
  const signal: unknown = options.signal;
  if (signal === undefined || isAbortSignal(signal)) return undefined;
  return new TypeError(`${what}: \`signal\` takes an AbortSignal, got ${formatValue(signal)}`);
}

/** Returns the error of invalid options of `write` or `flush`; undefined if they are valid. */
export function validateWriteOptions(what: string, options: WriteOptions | undefined): Error | undefined {
  if (options === undefined) return undefined;
  const fault = validateAbortOptions(what, options);
  const until: unknown = fault === undefined ? options.until : undefined;
  if (until === undefined || until === "taken") return fault;
  return new TypeError(`${what}: \`until\` takes "taken", got ${formatValue(until)}`);
}

/** Returns the error of invalid options of `close` or `drain`; undefined if they are valid. */
export function validateCloseOptions(
  options: CloseOptions | DrainOptions,
  what: "close" | "drain" = "close",
): Error | undefined {
  if (typeof options !== "object" || options === null)
    return new TypeError(`${what}: takes an object of options, got ${formatValue(options)}`);
  return options.timeoutMs === undefined ? undefined : validateDelay(`${what}: \`timeoutMs\``, options.timeoutMs);
}

/** Returns the error of an invalid delay, whose message starts with `what`; undefined if it is valid. */
export function validateDelay(what: string, ms: unknown): Error | undefined {
  if (typeof ms !== "number")
    return new TypeError(`${what} takes milliseconds, 0 … ${TIMER_MAX_MS}, got ${formatValue(ms)}`);
  if (!(ms >= 0 && ms <= TIMER_MAX_MS))
    return new RangeError(`${what} takes milliseconds, 0 … ${TIMER_MAX_MS}, got ${ms}`);
  return undefined;
}

/** Returns the error of invalid arguments of `on`, `once` or `off`; undefined if they are valid. @param events every name */
export function validateListener(
  method: string,
  events: readonly string[],
  event: unknown,
  listener: unknown,
): Error | undefined {
  if (!(events as readonly unknown[]).includes(event))
    return new TypeError(`${method}: \`event\` takes one of ${events.join(", ")}, got ${formatValue(event)}`);
  if (typeof listener === "function") return undefined;
  return new TypeError(`${method}: \`listener\` takes a function, got ${formatValue(listener)}`);
}
