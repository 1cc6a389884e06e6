import { formatValue, isBytes, isMemory } from "../format-value.js";

/** The codecs of a payload. 4 (MessagePack) and 5 (CBOR) are reserved. */
const CODEC = { none: 0, json: 1, bytes: 2 } as const;

/** A value as it is sent: nothing, JSON text, or bytes. */
export type Payload = undefined | string | Uint8Array;

type Utf8Slice = (this: Uint8Array, from: number, to: number) => string;

/** Decodes UTF-8 by documented methods, where a Buffer has no `utf8Slice`. */
export const decodeByBuffer: Utf8Slice = function (from, to) {
  return Buffer.from(this.buffer, this.byteOffset, this.length).toString("utf8", from, to);
};

/** The method by which a Buffer decodes UTF-8. Types do not declare it, although it takes any view, for which `toString` needs a Buffer. */
const { utf8Slice = decodeByBuffer } = Buffer.prototype as { readonly utf8Slice?: Utf8Slice };

/** Decodes UTF-8. */
export function textOf(data: Uint8Array, from: number, to: number): string {
  return utf8Slice.call(data, from, to);
}

type Latin1Write = (this: Uint8Array, text: string, at: number) => number;

/** The method by which a Buffer writes one byte for each character: for ASCII the same bytes as UTF-8, without its checks. */
const { latin1Write } = Buffer.prototype as { readonly latin1Write?: Latin1Write };

/** Writes text as UTF-8 behind the `at` bytes before it. @param bytes end where the text does */
export function writeText(bytes: Buffer, text: string, at: number): void {
  if (latin1Write === undefined || text.length !== bytes.length - at) bytes.write(text, at);
  else latin1Write.call(bytes, text, at);
}

/** JSON writes bytes as `{"0":1}`, as `{}` if there are none, or as `toJSON` of a Buffer returns. */
function mayContainBytes(text: string): boolean {
  // One search instead of three, because most values are flat, and only a nested object has its `{` behind the first character.
  if (text.indexOf("{", 1) < 0) return text.startsWith('{"0":') || text === "{}";
  return text.includes('{"0":') || text.includes("{}") || text.includes('"type":"Buffer"');
}

/**
 * Encodes a value: bytes as they are, without a copy, and any other value as JSON.
 * @throws TypeError if JSON cannot express it, or if it contains bytes: they would arrive as something else
 */
export function encodeValue(value: unknown): Payload {
  if (value === undefined) return undefined;
  if (isBytes(value)) return value;
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`cannot encode ${formatValue(value)}: JSON has no such value`);
  if (mayContainBytes(text)) assertNoBytes(value);
  return text;
}

/**
 * Decodes a received value: the bytes of a message from `at` on. Bytes are a view into the message, or a copy if they would keep much
 * more memory alive.
 * @throws SyntaxError, TypeError
 */
export function decodeValue(codec: number, data: Uint8Array, at = 0): unknown {
  switch (codec) {
    case CODEC.none:
      if (at < data.length) throw new TypeError(`codec 0 (none) has no payload, got ${data.length - at} bytes`);
      return undefined;
    case CODEC.json:
      return JSON.parse(textOf(data, at, data.length));
    case CODEC.bytes:
      return ownBytes(data, at);
    default:
      throw new TypeError(`unknown codec ${codec}; known codecs: 0 (none), 1 (JSON), 2 (bytes)`);
  }
}

/** Returns the length of a payload on the wire, in bytes. */
export function lengthOf(payload: Payload): number {
  if (payload === undefined) return 0;
  return typeof payload === "string" ? Buffer.byteLength(payload) : payload.length;
}

/** Returns the number of the codec of a payload. */
export function codecOf(payload: Payload): number {
  if (payload === undefined) return CODEC.none;
  return typeof payload === "string" ? CODEC.json : CODEC.bytes;
}

/** Returns the bytes from `at` on without the rest of a larger buffer. */
function ownBytes(data: Uint8Array, at: number): Uint8Array {
  const length = data.length - at;
  const isMost = length * 2 >= data.buffer.byteLength;
  return isMost ? new Uint8Array(data.buffer, data.byteOffset + at, length) : Uint8Array.prototype.slice.call(data, at);
}

/** Goes through a value as JSON does, which takes `toJSON` for the value and ends at a cycle. @throws TypeError that names the path */
function assertNoBytes(value: unknown): void {
  const paths = new Map<unknown, string>();
  JSON.stringify(value, function (this: Record<string, unknown>, key: string, node: unknown): unknown {
    const above = paths.get(this);
    const path = above ? `${above}.${key}` : key;
    // A Buffer has a `toJSON`, so it is one only before that.
    if (isMemory(node) || isMemory(this[key])) {
      throw new TypeError(`cannot encode the bytes at \`${path}\`: send a Uint8Array as the whole value`);
    }
    if (typeof node === "object") paths.set(node, path);
    return node;
  });
}
