import type { Command } from "../options/command.js";
import { type CommandLine, formOf, readCommandLine } from "./command-line.js";

/** A word that may stand at the cursor, with a short description. */
export interface Candidate {
  readonly value: string;
  readonly summary: string;
}

/** The words that may stand at the cursor; files are completed by the shell. */
export type Candidates = readonly Candidate[] | "files";

/** Looks up the candidates that depend on the machine. */
export interface Lookup {
  /** Lists the names of servers. */
  readonly endpoints: (line: CommandLine) => Promise<Candidate[]>;
  /** Asks the server that the first argument names. */
  readonly methods: (command: Command, line: CommandLine) => Promise<Candidate[]>;
}

const FILES: ReadonlySet<string | undefined> = new Set(["file", "dir", "command..."]);

/**
 * Finds what may stand at the cursor.
 * @param words those after `ipc`, the last one up to the cursor
 */
export async function findCandidates(
  commands: readonly Command[],
  words: readonly string[],
  lookup: Lookup,
): Promise<Candidates> {
  const [name, ...rest] = words;
  const current = words.at(-1) ?? "";
  const command = commands.find((one) => one.name === name);
  if (words.length < 2 || (name === "help" && words.length === 2)) return startingWith(current, commandNames(commands));
  if (command === undefined) return [];
  const line = readCommandLine(command, rest.slice(0, -1));
  const found = await findWords(command, line, current, lookup);
  return found === "files" ? found : startingWith(current, found);
}

async function findWords(command: Command, line: CommandLine, current: string, lookup: Lookup): Promise<Candidates> {
  const { placeholder, isPastOptions } = line;
  if (current.startsWith("-") && !isPastOptions) return flagsOf(command);
  if (FILES.has(placeholder)) return "files";
  if (placeholder === "name") return lookup.endpoints(line);
  if (placeholder === "method") return lookup.methods(command, line);
  return placeholder?.includes("|") ? placeholder.split("|").map((value) => ({ value, summary: "" })) : [];
}

function commandNames(commands: readonly Command[]): Candidate[] {
  const named = commands.map(({ name, summary }) => ({ value: name, summary }));
  return [...named, { value: "help", summary: "print the help of a command" }];
}

/** The long names, which say what they are. */
function flagsOf({ options }: Command): Candidate[] {
  const flags = Object.values(options).map((option) => ({
    value: formOf(option).flags.at(-1) ?? "",
    summary: option.summary,
  }));
  return [...flags, { value: "--help", summary: "print this help" }];
}

function startingWith(text: string, candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(text));
}
