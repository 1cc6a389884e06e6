import { Command, InvalidArgumentError, Option } from "commander";

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
}

const AGAINST_HELP = `
--against builds the commit that REV names, once, in .cache/bench/COMMIT, which can be deleted at any time. It measures
the packages of both commits with the benchmark programs of this one, in turns (this, other, other, this, ...), and prints
this / other for each round, with median, least and greatest. All processes get the same fixed memory, because V8 and glibc
size theirs by what a process did at its start; --as-users-run shows the difference that users see. Without --only it measures one way and round trips of 64 B,
plain, compatible and secure.
  npm run bench -- --against main
  npm run bench -- --against HEAD~1 --rounds 20 --only fan-in secure`;

/** The options that only --against knows. */
const OF_AGAINST = ["--rounds", "--as-users-run"];

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
        "measures this revision beside another one; prints, and writes no document",
      ).conflicts(["json", "write", "render"]),
    )
    .option("--rounds <number>", "how often --against measures each revision (default: 6)", parseRounds)
    .option("--as-users-run", "has --against leave the memory of the measured processes to V8 and the allocator")
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

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1) throw new InvalidArgumentError("It must be an integer from 1 on.");
  return rounds;
}
