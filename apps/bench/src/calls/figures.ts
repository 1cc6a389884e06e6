import { markdownTable } from "markdown-table";
import { grouped } from "../number-text.js";
import { CALL_PARTS, type CallPart, type Profile, profileCells, profileHead } from "../profile.js";
import { median } from "../quantile.js";
import { table } from "../table.js";
import { BESIDE_RATIO } from "./measure.js";

/** The figures of one contestant in one round, by name. */
export type RoundFigures = ReadonlyMap<string, number>;

/** The measured figures: for each contestant, its rounds. */
export type CallFigures = ReadonlyMap<string, readonly RoundFigures[]>;

/** A bound for a quotient of two figures, computed for each round; then the median counts. */
interface Target {
  readonly what: string;
  readonly of: readonly [string, figure: string];
  readonly by?: readonly [string, figure: string];
  readonly bound: { readonly atLeast: number } | { readonly atMost: number };
}

const MANY = "64 B JSON, 64 in flight: calls/s";
const ONE = "64 B JSON, 1 in flight: p50 µs";

const TARGETS: readonly Target[] = [
  {
    what: "calls/s, 64 in flight: @ipc/rpc, secure ÷ birpc",
    of: ["@ipc/rpc, secure", MANY],
    by: ["birpc", MANY],
    bound: { atLeast: 1.2 },
  },
  {
    what: "calls/s, 64 in flight: @ipc/rpc, secure ÷ vscode-jsonrpc",
    of: ["@ipc/rpc, secure", MANY],
    by: ["vscode-jsonrpc", MANY],
    bound: { atLeast: 3.5 },
  },
  {
    what: "p50 of one call at a time: @ipc/rpc, secure ÷ a message and its answer",
    of: ["@ipc/rpc, secure", ONE],
    by: ["messages, secure", ONE],
    bound: { atMost: 1.3 },
  },
  {
    what: "p50 of a call beside a stream whose reader has stopped ÷ without it",
    of: ["@ipc/rpc, secure", BESIDE_RATIO],
    bound: { atMost: 1.3 },
  },
];

/** A table of the medians, a row for each figure. */
export function figureTable(figures: CallFigures): string {
  const names = [...figures.keys()];
  const rows = new Set([...figures.values()].flatMap((rounds) => rounds.flatMap((round) => [...round.keys()])));
  const table = [...rows].map((row) => [row, ...names.map((name) => cell(row, figures.get(name) ?? []))]);
  return markdownTable([["", ...names], ...table], { align: ["l", ...names.map(() => "r")] });
}

/** The table of where the time of the calls goes, a row for each process. */
export function profileTable(profiles: readonly Profile<CallPart>[]): string {
  const rows = profiles.map((one) => [one.contestant, ...profileCells(one, CALL_PARTS)]);
  return table(["", ...profileHead(CALL_PARTS)], rows);
}

/** The targets of which everything was measured, and whether all are met. */
export function targetTable(figures: CallFigures): { readonly table: string; readonly isMet: boolean } {
  const rows = TARGETS.flatMap((target) => {
    const ratio = ratioOf(target, figures);
    if (ratio === undefined) return [];
    const { bound } = target;
    const isMet = "atLeast" in bound ? ratio >= bound.atLeast : ratio <= bound.atMost;
    const shown = "atLeast" in bound ? `≥ ${bound.atLeast}` : `≤ ${bound.atMost}`;
    return [{ isMet, cells: [target.what, shown, ratio.toFixed(2), isMet ? "met" : "**missed**"] }];
  });
  const table = markdownTable([["", "target", "measured", ""], ...rows.map(({ cells }) => cells)]);
  return { table, isMet: rows.every(({ isMet }) => isMet) };
}

function ratioOf({ of, by }: Target, figures: CallFigures): number | undefined {
  const values = valuesOf(of, figures);
  const divisors = by && valuesOf(by, figures);
  const ratios = values.map((value, round) => value / (divisors === undefined ? 1 : (divisors[round] ?? Number.NaN)));
  return ratios.length === 0 || ratios.some(Number.isNaN) ? undefined : median(ratios);
}

function valuesOf([name, figure]: readonly [string, string], figures: CallFigures): readonly number[] {
  return (figures.get(name) ?? []).map((round) => round.get(figure) ?? Number.NaN);
}

function cell(figure: string, rounds: readonly RoundFigures[]): string {
  const values = rounds.flatMap((round) => round.get(figure) ?? []);
  if (values.length === 0) return "–";
  const value = median(values);
  if (value === Number.POSITIVE_INFINITY) return "blocked";
  return value < 10 ? value.toFixed(2) : grouped(Math.round(value));
}
