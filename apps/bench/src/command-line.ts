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
}

const AGAINST_HELP = `
--against builds the commit that REV names, once, in .cache/bench/COMMIT, which can be deleted at any time. It measures
the packages of both commits with the benchmark programs of this one, in turns (this, other, other, this, ...), and prints
this / other for each round, with median, least and greatest. Without --only it measures one way and round trips of 64 B,
plain, compatible and secure.
  npm run bench -- --against main
  npm run bench -- --against HEAD~1 --rounds 20 --only fan-in secure`;

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
    .addHelpText("after", AGAINST_HELP);
}

/** Reads the words of a command line. Prints a mistake in them, and exits. */
export function readOptions(words: readonly string[], command: Command = commandLine()): Options {
  const options = command.parse(words, { from: "user" }).opts<Options>();
  if (options.rounds !== undefined && options.against === undefined)
    command.error("error: option '--rounds <number>' needs '--against <rev>'");
  return options;
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1) throw new InvalidArgumentError("It must be an integer from 1 on.");
  return rounds;
}
