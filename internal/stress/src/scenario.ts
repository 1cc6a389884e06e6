import { type Options, readOptions } from "./options.js";
import { describeMachine, recordSection } from "./report/document.js";

/** The result of a scenario. */
export interface Report {
  /** In Markdown. */
  readonly figures: string;
  /** Whether every target was met. */
  readonly met: boolean;
}

/** Something that a command plays, for as long or as often as its options tell. */
export interface Scenario<Name extends string = string> {
  /** In a line. */
  readonly what: string;
  /** The page of docs/ that has a section for its figures. */
  readonly page?: "BENCHMARKS.md" | "MACHINES.md" | "ROBUSTNESS.md" | "SCALE.md";
  /** The numbers that it takes, with their defaults. */
  readonly options: Readonly<Record<Name, number>>;
  /** @throws Error when a promise was broken */
  run(values: Readonly<Record<Name, number>>): Promise<Report>;
}

/** Plays a scenario as the command line says, prints its figures, and sets the exit code to 1 when a target was missed. */
export async function playScenario(name: string, scenario: Scenario, args: readonly string[]): Promise<void> {
  let options: Options<string>;
  try {
    options = readOptions(args, scenario.options);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
    return;
  }
  const { values, record } = options;
  const machine = describeMachine();
  const from = performance.now();
  const { figures, met } = await scenario.run(values);
  const seconds = Math.round((performance.now() - from) / 1_000);
  const given = Object.entries(values).map((pair) => pair.join(" "));
  const content = `${machine}\n\n${[...given, `${seconds} s`].join(", ")}.\n\n${figures}`;
  console.log(content);
  if (record && scenario.page !== undefined) recordSection(scenario.page, name, content);
  process.exitCode = met ? 0 : 1;
}
