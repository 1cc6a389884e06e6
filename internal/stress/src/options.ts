import { parseArgs } from "node:util";

/** The options of a command line. */
export interface Options<Name extends string> {
  readonly values: Readonly<Record<Name, number>>;
  /** Whether the figures go to the document. */
  readonly record: boolean;
}

/**
 * Reads `[--NAME N …] [--record]`; names that are not given have the values of `defaults`. A seed without a number of runs
 * is one run: that replays a failure.
 * @throws TypeError naming the word that is not understood
 */
export function readOptions<Name extends string>(
  args: readonly string[],
  defaults: Readonly<Record<Name, number>>,
): Options<Name> {
  const names = Object.keys(defaults) as Name[];
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  const { values } = parseArgs({ args: [...args], options: { ...options, record: { type: "boolean" } } });
  const given = values as Readonly<Record<string, string | boolean | undefined>>;
  const numberOf = (name: Name): number => {
    const text = given[name];
    if (text !== undefined) return wholeNumber(name, String(text));
    return name === "runs" && given["seed"] !== undefined ? 1 : defaults[name];
  };
  return {
    values: Object.fromEntries(names.map((name) => [name, numberOf(name)])) as Record<Name, number>,
    record: given["record"] === true,
  };
}

function wholeNumber(name: string, text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new TypeError(`--${name}: takes a whole number of 1 … 999999999, got ${text}`);
}
