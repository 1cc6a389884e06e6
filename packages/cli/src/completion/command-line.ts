import type { Command } from "../options/command.js";
import type { Given, Option, OptionTable } from "../options/option.js";

/** The place of the cursor: what can stand there, and what stands before it. */
export interface CommandLine {
  /** Whose value the word is: an argument of the command, or the value of an option; undefined: nothing takes it. */
  readonly placeholder: string | undefined;
  readonly args: readonly string[];
  /** The values of the options before it, by their names in the table. */
  readonly given: ReadonlyMap<string, Given>;
  /** After `--` a word that begins with a dash is an argument. */
  readonly isPastOptions: boolean;
}

/** How an option is written. */
interface OptionForm {
  /** `-d`, `--directory`. */
  readonly flags: readonly string[];
  /** The name of its value; undefined without one. */
  readonly placeholder: string | undefined;
  /** Whether the value may be left out. */
  readonly isOptional: boolean;
}

/** Reads the form of an option: `-d, --directory <dir>`. */
export function formOf({ form }: Option<unknown>): OptionForm {
  const [, bracket, placeholder] = /([<[])([^\]>]+)/.exec(form) ?? [];
  return { flags: form.match(/(?<![\w-])--?[a-z][a-z-]*/gi) ?? [], placeholder, isOptional: bracket === "[" };
}

/** Reads the words between the command and the cursor, as the parser would. */
export function readCommandLine({ form, options }: Command, words: readonly string[]): CommandLine {
  const args: string[] = [];
  const given = new Map<string, Given>();
  let open: { readonly key: string; readonly form: OptionForm } | undefined;
  let isPastOptions = false;
  for (const word of words) {
    const isFlag = !isPastOptions && word.startsWith("-") && word !== "-";
    if (open !== undefined && !(open.form.isOptional && isFlag)) {
      given.set(open.key, [word]);
      open = undefined;
    } else if (!isFlag) args.push(word);
    else if (word === "--") isPastOptions = true;
    else open = readFlag(options, word, given);
  }
  const names = form.split(" ").map((part) => part.replace(/[<>[\]]/g, ""));
  const argument = names[args.length] ?? names.find((name) => name.endsWith("..."));
  return { placeholder: open?.form.placeholder ?? argument, args, given, isPastOptions };
}

/** Notes a flag, and returns its option if the next word is its value: `--flag=value`, `-fvalue`, or several in one word, `-qv`. */
function readFlag(
  options: OptionTable,
  word: string,
  given: Map<string, Given>,
): { readonly key: string; readonly form: OptionForm } | undefined {
  const isLong = word.startsWith("--");
  const [, flag = "", value] = (isLong ? /^([^=]*)(?:=(.*))?$/s : /^(-.)(.+)?$/s).exec(word) ?? [];
  for (const [key, option] of Object.entries(options)) {
    const form = formOf(option);
    if (!form.flags.includes(flag)) continue;
    const takesValue = form.placeholder !== undefined;
    given.set(key, value === undefined || !takesValue ? true : [value]);
    if (value === undefined) return takesValue ? { key, form } : undefined;
    return isLong || takesValue ? undefined : readFlag(options, `-${value}`, given);
  }
  return undefined;
}
