import { Command as Parser, Option as ParserOption } from "commander";
import { EXIT, EXIT_MEANINGS } from "../exit-code.js";
import type { Command } from "../options/command.js";
import type { Given, OptionTable, Values } from "../options/option.js";
import type { OUTPUT_OPTIONS } from "../options/shared-options.js";
import type { OutputOptions } from "../output/output.js";
import { COMMANDS } from "./table.js";

/** The request of a user: a command, and the texts of its arguments and options. */
export interface Request {
  readonly command: Command;
  readonly args: readonly (string | undefined)[];
  readonly rest: readonly string[];
  /** The values of the options, those of the output among them. */
  readonly options: OutputOptions;
}

/** The outputs for help and for complaints about arguments. */
export interface Texts {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * Makes the parser of the command line from the table of commands. It reports by exceptions: a CommanderError for help, the version and
 * wrong arguments, whose texts it has printed.
 */
export function createParser(version: string, texts: Texts, onRequest: (request: Request) => Promise<void>): Parser {
  const parser = new Parser("ipc")
    .description("Finds, tests and uses the servers of @ipc and golang-ipc on this machine and others.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", `\nExit codes:\n${exitCodes()}`)
    .configureOutput({ writeOut: texts.out, writeErr: texts.err })
    .configureHelp({ styleTitle: bold, subcommandTerm: termOf })
    .showHelpAfterError("(--help lists what there is)")
    .exitOverride();
  for (const command of COMMANDS) addCommand(parser, command, onRequest);
  return parser;
}

function addCommand(parser: Parser, command: Command, onRequest: (request: Request) => Promise<void>): void {
  const { name, form, summary, details, options, examples, isHidden = false } = command;
  const added = parser
    .command(`${name} ${form}`.trim(), { hidden: isHidden })
    .summary(summary)
    .description(`${summary[0]?.toUpperCase()}${summary.slice(1)}. ${details}`.trim())
    .helpOption("-h, --help", "print this help")
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}\n`).join("")}`.trimEnd());
  const parserOptions = new Map(Object.entries(options).map(([key, option]) => [key, parserOption(option)]));
  for (const option of parserOptions.values()) added.addOption(option);
  added.action(async (...all: unknown[]) => {
    const given = all.slice(0, added.registeredArguments.length) as (string | readonly string[] | undefined)[];
    const args = given.filter((argument) => typeof argument !== "object");
    const rest = given.find((argument) => typeof argument === "object") ?? [];
    const found = added.opts<Record<string, Given | boolean>>();
    await onRequest({ command, args, rest, options: readOptions(options, parserOptions, found) });
  });
}

function parserOption({ form, summary, group }: OptionTable[string]): ParserOption {
  const option = new ParserOption(form, summary);
  if (group !== undefined) option.helpGroup(`${group}:`);
  if (!option.isBoolean()) option.argParser(collect);
  return option;
}

function collect(text: string, earlier: unknown): string[] {
  return [...(Array.isArray(earlier) ? (earlier as string[]) : []), text];
}

function readOptions(
  table: OptionTable,
  parserOptions: ReadonlyMap<string, ParserOption>,
  found: Readonly<Record<string, Given | boolean>>,
): OutputOptions {
  const entries = Object.entries(table).map(([key, option]) => {
    const parsed = parserOptions.get(key);
    const given = parsed && found[parsed.attributeName()];
    // `--no-color` is the option `color`, which is true unless it is given.
    return [
      key,
      option.read(parsed?.negate === true ? given === false || undefined : given === false ? undefined : given),
    ];
  });
  return Object.fromEntries(entries) as Values<typeof OUTPUT_OPTIONS>;
}

/** Lists the exit codes that no signal has made. */
function exitCodes(): string {
  const entries = Object.entries(EXIT_MEANINGS).filter(([code]) => Number(code) < EXIT.hungUp);
  return entries.map(([code, meaning]) => `  ${code}  ${meaning}`).join("\n");
}

/** Every command takes options, so that only the arguments tell them apart. */
function termOf(command: Parser): string {
  const args = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
    return argument.required ? ` <${name}>` : ` [${name}]`;
  });
  return `${command.name()}${args.join("")}`;
}

function bold(text: string): string {
  return `\u001b[1m${text}\u001b[22m`;
}
