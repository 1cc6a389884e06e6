import { formatValue } from "../format-value.js";
import { META_MAX_BYTES } from "../limits.js";

/** Strings that travel with a call, such as a tenant or a trace. */
export type Meta = Readonly<Record<string, string>>;

/** The meta of a call without one. */
export const NO_META: Meta = Object.freeze({});

/**
 * Encodes the meta of a call; undefined if it is empty.
 * @throws TypeError, RangeError if it is longer than 4 096 bytes
 */
export function encodeMeta(meta: Meta): Uint8Array | undefined {
  const entries = Object.entries(meta);
  if (entries.length === 0) return undefined;
  for (const [key, value] of entries) {
    if (typeof value !== "string") throw new TypeError(`\`meta.${key}\` takes a string, got ${formatValue(value)}`);
  }
  const bytes = Buffer.from(JSON.stringify(meta));
  if (bytes.length > META_MAX_BYTES) {
    throw new RangeError(`\`meta\` takes at most ${META_MAX_BYTES} bytes of JSON, got ${bytes.length}`);
  }
  return bytes;
}

/**
 * Decodes the meta of a call into an object without a prototype.
 * @throws SyntaxError, TypeError, RangeError
 */
export function decodeMeta(bytes: Buffer): Meta {
  if (bytes.length > META_MAX_BYTES) throw new RangeError(`meta of ${bytes.length} bytes, limit ${META_MAX_BYTES}`);
  const decoded: unknown = JSON.parse(bytes.toString("utf8"));
  if (typeof decoded !== "object" || decoded === null || Array.isArray(decoded)) {
    throw new TypeError(`meta takes an object, got ${formatValue(decoded)}`);
  }
  const meta: Record<string, string> = Object.create(null);
  for (const [key, value] of Object.entries(decoded)) {
    if (typeof value !== "string") throw new TypeError(`meta.${key} takes a string, got ${formatValue(value)}`);
    meta[key] = value;
  }
  return Object.freeze(meta);
}
