import { parseArgs } from "node:util";

/**
 * Reads `[--runs N] [--record]`.
 * @throws TypeError naming what is not understood
 */
export function readScriptOptions(args: readonly string[], runs: number): { runs: number; record: boolean } {
  const { values } = parseArgs({
    args: [...args],
    options: { runs: { type: "string" }, record: { type: "boolean" } },
  });
  const asked = values.runs ?? String(runs);
  if (!/^[1-9]\d{0,5}$/.test(asked)) throw new TypeError(`--runs: takes a whole number of 1 … 999999, got ${asked}`);
  return { runs: Number(asked), record: values.record ?? false };
}
