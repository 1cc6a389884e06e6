import { cpSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { markdownTable } from "markdown-table";
import { type Contestant, nodeContestant, OURS } from "./contestant.js";
import type { Start } from "./fixed-memory.js";
import { spread } from "./number-text.js";
import { Figures, type Place } from "./results.js";
import { measureAll, type Progress, type Sample } from "./schedule.js";
import { CALLS, type Point, type Section } from "./section.js";
import { type Selection, select } from "./selection.js";
import { MEASURED, UNSETTLED } from "./tables.js";

const PROGRAMS = fileURLToPath(new URL("../dist/", import.meta.url));
const CLIENT = "client-process.js";

/** The folder that the programs are copied to in another revision: its packages are found from there. */
const PROGRAMS_PARENT = "apps/bench";

/** The modes that are compared where no word names any. */
const MODES = ["plain", "compatible", "secure"];

/** The figures of messages for the reader. Those of calls are shown by their names. */
export const FIGURES: Readonly<Record<string, string>> = {
  p50Us: "round trip, p50 µs",
  p99Us: "round trip, p99 µs",
  p999Us: "round trip, p99.9 µs",
  awaited: "one way, each write awaited, messages/s",
  "awaited, sender ns": "the same, processor time of the sender, ns",
  "awaited, receiver ns": "the same, processor time of the receiver, ns",
  "when it must": "one way, awaited when it must, messages/s",
  "when it must, sender ns": "the same, processor time of the sender, ns",
  "when it must, receiver ns": "the same, processor time of the receiver, ns",
};

/** One figure of one work, of this revision divided by the other's. */
export interface Comparison {
  readonly section: string;
  readonly at: number;
  readonly mode: string;
  readonly figure: string;
  /** One for each round, undefined where there is none. */
  readonly ratios: readonly (number | undefined)[];
  /** Whether the warm-up of either revision did not settle in half of the rounds, or more. */
  readonly isUnsettled: boolean;
}

/** The choice of a comparison. */
export interface Choice {
  readonly sections: readonly Section[];
  /** The modes of ours. */
  readonly modes: readonly string[];
}

/** Understands words as sections, points of sections and our modes. @throws TypeError when a word names nothing */
export function choose(words: readonly string[], all: readonly Section[]): Choice {
  const points = all.flatMap(({ name: section, points }) => points.map(({ at }) => labelOf({ section, at })));
  const names: Selection = {
    sections: [...new Set([...all.map(({ name }) => name), ...points])],
    contestants: Object.keys(OURS),
  };
  const chosen = select(words, names, MEASURED, { sections: names.sections, contestants: MODES });
  const sections = all.map(({ name, points }) => {
    const isChosen = ({ at }: Point): boolean =>
      [name, labelOf({ section: name, at })].some((each) => chosen.sections.includes(each));
    return { name, points: points.filter(isChosen) };
  });
  return { sections: sections.filter(({ points }) => points.length > 0), modes: chosen.contestants };
}

/** Leaves out what the revision in `folder` cannot do, and says so. */
export function leaveOut(
  folder: string,
  { sections, modes }: Choice,
): { readonly choice: Choice; readonly remarks: string[] } {
  const isMissing = !existsSync(join(folder, PROGRAMS_PARENT, "node_modules/@ipc/rpc"));
  if (!isMissing || !sections.some(({ name }) => name === CALLS)) return { choice: { sections, modes }, remarks: [] };
  return {
    choice: { sections: sections.filter(({ name }) => name !== CALLS), modes },
    remarks: [`${CALLS}: not compared, because the other revision has no @ipc/rpc.`],
  };
}

/** The name of a point: `exchange 64`. */
export function labelOf({ section, at }: { readonly section: string; readonly at: number }): string {
  return section === CALLS ? section : `${section} ${at}`;
}

/**
 * Measures this workspace beside one that is built in `folder`. The programs of this benchmark are copied there, so that
 * both sides do the same work, and only the packages that the programs find differ.
 * @param start of all measured processes, of both sides
 */
export async function measureAgainst(
  folder: string,
  { sections, modes }: Choice,
  rounds: number,
  start: Start,
  progress: Progress,
): Promise<Sample[]> {
  const copy = mkdtempSync(join(folder, PROGRAMS_PARENT, "programs-"));
  try {
    cpSync(PROGRAMS, copy, { recursive: true });
    const contestants: Contestant[] = [];
    for (const mode of modes) {
      contestants.push({ ...(await nodeContestant(mode, "", join(PROGRAMS, CLIENT), start)), name: thisOne(mode) });
      contestants.push({ ...(await nodeContestant(mode, "", join(copy, CLIENT), start)), name: otherOne(mode) });
    }
    return await measureAll(
      sections.map((section) => inPairs(section, modes, rounds)),
      contestants,
      progress,
    );
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Has the two revisions of each mode measured one after the other, in each round in the other order. */
export function inPairs({ name, points }: Section, modes: readonly string[], rounds: number): Section {
  return {
    name,
    points: points.flatMap((point) =>
      modes.map((mode) => ({ ...point, rounds, only: [thisOne(mode), otherOne(mode)] })),
    ),
  };
}

/** Divides each figure of this revision by that of the other in the same round. */
export function compare(samples: readonly Sample[], modes: readonly string[], rounds: number): Comparison[] {
  const figures = new Figures(samples);
  return [...new Set(samples.map(({ section }) => section))].flatMap((section) =>
    figures.points(section).flatMap((at) => {
      const names = samples.flatMap((sample) =>
        sample.section === section && sample.at === at && "figures" in sample.outcome
          ? Object.keys(sample.outcome.figures)
          : [],
      );
      return [...new Set(names)].flatMap((figure) =>
        modes.map((mode): Comparison => {
          const place = { section, at, figure };
          const own: Place = { ...place, contestant: thisOne(mode) };
          const other: Place = { ...place, contestant: otherOne(mode) };
          const byRound = figures.ratios(own, other);
          const ratios = Array.from({ length: rounds }, (_, round) => byRound.get(round));
          const isUnsettled = figures.isUnsettled(own) || figures.isUnsettled(other);
          return { section, at, mode, figure, ratios, isUnsettled };
        }),
      );
    }),
  );
}

/** A row for each comparison, with every round: their spread is the noise that a median has to be held against. */
export function comparisonTable(comparisons: readonly Comparison[], rounds: number): string {
  const show = (ratio: number): string => ratio.toFixed(3);
  const heads = Array.from({ length: rounds }, (_, round) => `round ${round + 1}`);
  const rows = comparisons.map(({ section, at, mode, figure, ratios, isUnsettled }) => {
    const known = ratios.filter((ratio) => ratio !== undefined);
    const median = `${isUnsettled ? `${UNSETTLED} ` : ""}${spread(known, show) || "–"}`;
    return [
      ...[labelOf({ section, at }), FIGURES[figure] ?? figure, mode, median],
      ...ratios.map((ratio) => (ratio === undefined ? "–" : show(ratio))),
    ];
  });
  const head = ["", "figure", "mode", "median (least … greatest)", ...heads];
  return markdownTable([head, ...rows], { align: head.map((_, column) => (column < 3 ? "l" : "r")) });
}

function thisOne(mode: string): string {
  return `${mode}, this`;
}

function otherOne(mode: string): string {
  return `${mode}, other`;
}
