import { types } from "node:util";

/** Formats a rejected value for an error message: short, and without calling any of its methods. */
export function formatValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "object" && value !== null) {
    // Array.isArray throws for a proxy that was revoked.
    return !types.isProxy(value) && Array.isArray(value) ? "an array" : "an object";
  }
  if (typeof value === "function") return "a function";
  return String(value);
}

/**
 * Returns if `options` is an object with no keys other than `known`: a misspelt option must not be ignored.
 *
 * @throws TypeError naming the function and the key
 */
export function assertKnownOptions(options: unknown, known: readonly string[], owner: string): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`${owner} takes an object of options, got ${formatValue(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TypeError(
        `${owner} takes the options ${known.map((name) => `\`${name}\``).join(", ")}, got ${formatValue(key)}`,
      );
    }
  }
}

/** @throws TypeError naming the option */
export function assertBoolean(value: unknown, option: string): asserts value is boolean {
  if (typeof value !== "boolean") throw new TypeError(`\`${option}\` must be true or false, got ${formatValue(value)}`);
}

/**
 * Returns if `value` can name a place: a non-empty string without NUL, which would end it in C.
 *
 * @throws TypeError naming the option
 */
export function assertPlace(value: unknown, option: string): asserts value is string {
  if (typeof value !== "string" || value === "" || value.includes("\0")) {
    throw new TypeError(`\`${option}\` must be a string that is not empty and holds no NUL, got ${formatValue(value)}`);
  }
}

/**
 * Returns if `value` is an integer from `least` to `most`.
 *
 * @param format formats an integer for the message
 * @throws TypeError for a value that is no number, RangeError for any other number; both name the option
 */
export function assertInteger(
  value: unknown,
  option: string,
  least: number,
  most: number,
  format: (integer: number) => string = String,
): asserts value is number {
  const got = typeof value === "number" && Number.isInteger(value) ? format(value) : formatValue(value);
  const expected = `\`${option}\` must be an integer from ${format(least)} to ${format(most)}, got ${got}`;
  if (typeof value !== "number") throw new TypeError(expected);
  if (!Number.isInteger(value) || value < least || value > most) throw new RangeError(expected);
}
