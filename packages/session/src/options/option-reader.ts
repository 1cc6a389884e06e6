import { formatValue } from "@ipc/transport/internal";

/** Longest delay that Node timers support, in milliseconds; a timer with a longer one fires at once. */
export const TIMER_MAX_MS = 2_147_483_647;

/**
 * Reads and validates a caller's options. A wrong kind or an unknown option is a TypeError, a value out of range a RangeError;
 * the message names the option, what it takes and what it got.
 */
export class OptionReader<O extends object> {
  /** The function whose options these are. */
  readonly where: string;
  readonly #options: O;
  readonly #show: (value: unknown) => string;

  /**
   * @param where the function whose options these are; each error message starts with it
   * @param shown formats a wrong value for the message: `formatKind` if it may be a secret
   */
  constructor(
    where: string,
    options: O,
    known: readonly (keyof O & string)[],
    shown: (value: unknown) => string = formatValue,
  ) {
    this.where = where;
    this.#show = shown;
    if (typeof options !== "object" || options === null) {
      throw new TypeError(`${where}: takes an object of options, got ${shown(options)}`);
    }
    this.#options = options;
    const allowed: readonly string[] = known;
    for (const key of Object.keys(options)) {
      if (!allowed.includes(key))
        throw new TypeError(`${where}: unknown option \`${key}\`; known options: ${known.join(", ")}`);
    }
  }

  /** Returns the option without validating it. */
  value<K extends keyof O & string>(key: K): O[K] {
    return this.#options[key];
  }

  /** Returns an object of those options that are given, without validating them. */
  pick<K extends keyof O & string>(keys: readonly K[]): { readonly [P in K]?: NonNullable<O[P]> } {
    const given: { [P in K]?: NonNullable<O[P]> } = {};
    for (const key of keys) {
      const value = this.#options[key];
      if (value !== undefined) given[key] = value as NonNullable<typeof value>;
    }
    return given;
  }

  boolean(key: keyof O & string, fallback: boolean): boolean {
    const value: unknown = this.#options[key];
    if (value === undefined) return fallback;
    if (typeof value !== "boolean") this.#wrongKind(key, "true or false", value);
    return value;
  }

  /** Reads an integer in a range; `unit` is named in error messages. */
  integer(key: keyof O & string, fallback: number, range: { min: number; max: number; unit: string }): number {
    const value: unknown = this.#options[key];
    if (value === undefined) return fallback;
    const takes = `a whole number of ${range.unit}, ${range.min} … ${range.max}`;
    if (typeof value !== "number") this.#wrongKind(key, takes, value);
    if (!Number.isInteger(value) || value < range.min || value > range.max) {
      throw new RangeError(`${this.where}: \`${key}\` takes ${takes}, got ${String(value)}`);
    }
    return value;
  }

  milliseconds(key: keyof O & string, fallback: number, min = 0): number {
    return this.integer(key, fallback, { min, max: TIMER_MAX_MS, unit: "milliseconds" });
  }

  /** Reads one of the given strings. */
  choice<T extends string>(key: keyof O & string, choices: readonly T[], fallback: T): T {
    const value: unknown = this.#options[key];
    if (value === undefined) return fallback;
    const chosen = choices.find((choice) => choice === value);
    if (chosen === undefined) this.#wrongKind(key, choices.map((choice) => `"${choice}"`).join(", "), value);
    return chosen;
  }

  signal(key: keyof O & string): AbortSignal | undefined {
    const value: unknown = this.#options[key];
    if (value === undefined) return undefined;
    if (!isAbortSignal(value)) this.#wrongKind(key, "an AbortSignal", value);
    return value;
  }

  /** Reads an object with the given methods. */
  methods<T extends object>(key: keyof O & string, names: readonly (keyof T & string)[]): T | undefined {
    const value: unknown = this.#options[key];
    if (value === undefined) return undefined;
    if (!hasMethods<T>(value, names)) this.#wrongKind(key, `an object with the methods ${names.join(", ")}`, value);
    return value;
  }

  /** Rejects the options that have no meaning beside `key`, if `key` is given. @throws TypeError */
  refuseBeside(key: keyof O & string, others: readonly (keyof O & string)[]): void {
    if (this.#options[key] === undefined) return;
    for (const other of others) {
      if (this.#options[other] === undefined) continue;
      throw new TypeError(
        `${this.where}: \`${other}\` is an option of the unix socket and cannot be combined with \`${key}\`; pass it to the transport`,
      );
    }
  }

  callback<F extends (...args: never) => unknown>(key: keyof O & string): F | undefined {
    const value: unknown = this.#options[key];
    if (value === undefined) return undefined;
    if (typeof value !== "function") this.#wrongKind(key, "a function", value);
    return value as F;
  }

  #wrongKind(key: string, takes: string, value: unknown): never {
    throw new TypeError(`${this.where}: \`${key}\` takes ${takes}, got ${this.#show(value)}`);
  }
}

function hasMethods<T extends object>(value: unknown, names: readonly string[]): value is T {
  if (typeof value !== "object" || value === null) return false;
  const methods = value as Record<string, unknown>;
  return names.every((name) => typeof methods[name] === "function");
}

/**
 * Returns whether a value has what the library uses of an AbortSignal. Judged by shape: the signals of another realm, of jsdom and
 * of polyfills work as well.
 */
export function isAbortSignal(value: unknown): value is AbortSignal {
  return (
    hasMethods<AbortSignal>(value, ["addEventListener", "removeEventListener"]) && typeof value.aborted === "boolean"
  );
}

/** Formats the kind of a value and reveals no string or number, because it may be a key. */
export function formatKind(value: unknown): string {
  const mayTell = ["string", "number", "bigint", "symbol"].includes(typeof value);
  return mayTell ? `a ${typeof value}` : formatValue(value);
}
