/** Formats a rejected value for an error message: short, and without calling any of its methods. */
export function formatValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "an array" : "an object";
  return typeof value === "function" ? "a function" : String(value);
}

/** Returns the message of an error of any realm, or the formatted value. */
export function messageOf(error: unknown): string {
  return isError(error) ? error.message : formatValue(error);
}

/** Returns the stack of an error of any realm, or the formatted value. */
export function stackOf(error: unknown): string {
  return isError(error) ? (error.stack ?? error.message) : formatValue(error);
}

/** Returns whether a value is an error, judged by its form, because it may come from another realm. */
export function isError(value: unknown): value is Error {
  if (typeof value !== "object" || value === null) return false;
  try {
    const { message, stack } = value as Partial<Error>;
    return typeof message === "string" && (typeof stack === "string" || (stack === undefined && "stack" in value));
  } catch {
    // Code can throw what cannot be read.
    return false;
  }
}

/** Returns whether a value is a promise, judged by its form. */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}

/** Gives the name of a typed array of any realm, and undefined for other values: what all of them inherit as `Symbol.toStringTag`. */
const { get: typedArrayName } = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
) as { readonly get: (this: unknown) => string | undefined };

/** Returns whether a value is a Uint8Array of any realm, such as a Buffer. */
export function isBytes(value: unknown): value is Uint8Array {
  return typedArrayName.call(value) === "Uint8Array";
}

/** Returns whether a value is memory of any realm: an ArrayBuffer, or a view into one. */
export function isMemory(value: unknown): boolean {
  return ArrayBuffer.isView(value) || tagOf(value) === "ArrayBuffer";
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}
