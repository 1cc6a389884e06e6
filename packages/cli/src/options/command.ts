import type { ExitCode } from "../exit-code.js";
import type { Output } from "../output/output.js";
import type { OptionTable, Values } from "./option.js";
import { OUTPUT_OPTIONS } from "./shared-options.js";

/** One run of a command. */
export interface Invocation<Options> {
  /** In the order of the command's form; undefined where an optional one is left out. */
  readonly args: readonly (string | undefined)[];
  /** The words of a last argument that takes any number of them. */
  readonly rest: readonly string[];
  readonly options: Options;
  readonly output: Output;
  /** Aborted by SIGINT, SIGTERM and SIGHUP, and when nothing reads the output any more: the command prints its summary and ends. */
  readonly signal: AbortSignal;
}

/** Runs a command. Without a result it is done; errors become exit codes. */
export type Run<Options> = (invocation: Invocation<Options>) => Promise<ExitCode | undefined>;

/** A command: what the help, the completion and the reference say of it, and its code, which is loaded when it runs. */
export interface Command {
  readonly name: string;
  /** `<name> [data]`: in brackets what may be left out; `[command...]`: any number of words. */
  readonly form: string;
  readonly summary: string;
  /** Whole sentences for the help of the command, below its summary. */
  readonly details: string;
  readonly options: OptionTable;
  readonly examples: readonly string[];
  /** Whether help and completion leave it out: it is for programs. @default false */
  readonly isHidden?: boolean;
  readonly load: () => Promise<Run<never>>;
}

/** The parts of a command. */
interface Definition<Table extends OptionTable> extends Omit<Command, "options" | "load"> {
  readonly options: Table;
  readonly load: () => Promise<{ readonly run: Run<Values<Table>> }>;
}

/** Makes a command. The compiler checks that its code takes the values of its options. */
export function command<Table extends OptionTable>(definition: Definition<Table>): Command {
  return {
    ...definition,
    options: { ...definition.options, ...OUTPUT_OPTIONS },
    load: async () => (await definition.load()).run,
  };
}
