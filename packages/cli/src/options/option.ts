import { UsageError } from "../exit-code.js";

/** The texts that the parser found for an option, in order; true without a text; undefined if it was not given. */
export type Given = true | readonly string[] | undefined;

/** One option of a command: how it is written, and how its value is read. */
export interface Option<Value> {
  /** As in the help: `-c, --count <n>`; `[file]`: the text may be left out. */
  readonly form: string;
  readonly summary: string;
  /** The heading of the help under which the option stands. @default "Options" */
  readonly group?: string;
  readonly read: (given: Given) => Value;
}

/** The options of a command by the names that its code has for them. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>;

/** The values of a table of options. */
export type Values<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer Value> ? Value : never;
};

/** Makes an option that is there or not. */
export function toggle(form: string, summary: string): Option<boolean> {
  return { form, summary, read: (given) => given !== undefined };
}

/** Makes an option with one value; the last one counts. */
export function single<Value>(
  form: string,
  summary: string,
  parse: (text: string) => Value,
): Option<Value | undefined> {
  return {
    form,
    summary,
    read: (given) => (typeof given === "object" ? named(form, parse, given[given.length - 1] ?? "") : undefined),
  };
}

/** Makes an option with one value, which has another one where it is not given. */
export function defaulted<Value>(
  form: string,
  summary: string,
  parse: (text: string) => Value,
  standard: Value,
): Option<Value> {
  const { read } = single(form, summary, parse);
  return { form, summary, read: (given) => read(given) ?? standard };
}

/** Makes an option that may be given several times. */
export function repeated<Value>(form: string, summary: string, parse: (text: string) => Value): Option<Value[]> {
  return {
    form,
    summary,
    read: (given) => (typeof given === "object" ? given.map((text: string) => named(form, parse, text)) : []),
  };
}

/** Puts options under a heading of the help. */
export function grouped<Table extends OptionTable>(group: string, table: Table): Table {
  const entries = Object.entries(table).map(([name, option]) => [name, { ...option, group }]);
  return Object.fromEntries(entries) as Table;
}

/** Returns a parser of whole numbers. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new UsageError(`takes a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`);
  };
}

/** Parses a text and names the option in the error. */
function named<Value>(form: string, parse: (text: string) => Value, text: string): Value {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(`${/--[a-z-]+/.exec(form)?.[0] ?? form} ${error.message}`);
  }
}
