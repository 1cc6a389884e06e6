import { parseArgs } from "node:util";

/** What a seeded script is asked for. */
export interface RunOptions {
  /** The first seed; each run takes the next. */
  readonly seed: number;
  readonly runs: number;
  /** Whether the figures go to docs/ROBUSTNESS.md. */
  readonly record: boolean;
}

/**
 * Reads `[--seed N] [--runs N] [--record]`. A seed without a number of runs is one run: that is how a failure is replayed.
 * @throws TypeError naming what is not understood
 */
export function readRunOptions(args: readonly string[], runs: number): RunOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { seed: { type: "string" }, runs: { type: "string" }, record: { type: "boolean" } },
  });
  return {
    seed: wholeNumber("--seed", values.seed ?? "1"),
    runs: wholeNumber("--runs", values.runs ?? (values.seed === undefined ? String(runs) : "1")),
    record: values.record ?? false,
  };
}

function wholeNumber(name: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new TypeError(`${name}: takes a whole number of 0 … 999999999, got ${value}`);
}
