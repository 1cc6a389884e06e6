import { Command, InvalidArgumentError, Option } from "commander";
import { DEFAULT_RATIO, type Limit, parseLimit } from "./guard.js";

/** The options of `npm run bench`. */
export interface Options {
  readonly quick?: boolean;
  readonly only?: readonly string[];
  readonly json?: string;
  readonly render?: boolean;
  readonly write?: boolean;
  readonly against?: string;
  readonly rounds?: number;
  readonly asUsersRun?: boolean;
  readonly atLeast?: readonly Limit[];
  readonly record?: boolean;
}

const AGAINST_HELP = `
--against builds the commit that REV names, once, in .cache/bench/COMMIT, which can be deleted at any time. It measures
the packages of both commits with the benchmark programs of this one, in turns (this, other, other, this, ...), and prints
this / other for each round, with median, least and greatest. All processes get the same fixed memory, because V8 and glibc
size theirs by what a process did at its start; --as-users-run shows the difference that users see. Without --only it measures
everything, plain, compatible and secure, for three quarters of an hour.

It exits with 1 when a median is below --at-least. A ratio alone is for every rate of messages and calls of 64 B, 0.95 unless it is
given. A section, a figure, a mode, or several of them with + between them, give other medians a ratio of their own, times by
other / this, so that below is always worse. The last one that fits counts; 0 asks for nothing.
  npm run bench -- --against main
  npm run bench -- --against HEAD~1 --rounds 20 --only fan-in "exchange 64" secure
  npm run bench -- --against main --at-least 0.9 exchange+awaited=0.9 p50Us=0.8 fan-in=0`;

/** The options that only --against knows. */
const OF_AGAINST = ["--as-users-run", "--at-least", "--record"];

export function commandLine(): Command {
  return new Command("npm run bench --")
    .description(
      "Measures us beside the floor and every peer, and writes docs/BENCHMARKS.md. Exits with 1 when a target is missed.",
    )
    .option("--quick", "less of everything; prints, and writes no document")
    .option("--only <words...>", "sections, tables and contestants by their names; prints, and writes no document")
    .option("--json <file>", "writes every single figure into a file")
    .option("--write", "writes the document also with --quick; with --only, puts those sections into the recorded run")
    .option("--render", "measures nothing: writes the document anew out of docs/benchmarks/figures.json")
    .addOption(
      new Option(
        "--against <rev>",
        "measures this revision beside another one; prints, and with --record writes the table into the document",
      ).conflicts(["json", "write", "render"]),
    )
    .option(
      "--rounds <number>",
      "how often most is measured (default: 5, with --quick 1, with --against 6)",
      parseRounds,
    )
    .option("--record", "writes what --against has measured into docs/BENCHMARKS.md")
    .option("--as-users-run", "has --against leave the memory of the measured processes to V8 and the allocator")
    .addOption(
      new Option(
        "--at-least <ratios...>",
        `what --against holds the medians against (default: ${DEFAULT_RATIO})`,
      ).argParser(parseLimits),
    )
    .addHelpText("after", AGAINST_HELP);
}

/** Reads the words of a command line. Prints a mistake in them, and exits. */
export function readOptions(words: readonly string[], command: Command = commandLine()): Options {
  const options = command.parse(words, { from: "user" }).opts<Options>();
  for (const option of command.options.filter(({ long }) => OF_AGAINST.includes(long ?? "")))
    if (options.against === undefined && command.getOptionValue(option.attributeName()) !== undefined)
      command.error(`error: option '${option.flags}' needs '--against <rev>'`);
  return options;
}

function parseLimits(text: string, limits: readonly Limit[] = []): readonly Limit[] {
  try {
    return [...limits, parseLimit(text)];
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1) throw new InvalidArgumentError("It must be an integer from 1 on.");
  return rounds;
}
