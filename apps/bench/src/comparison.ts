import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { markdownTable } from "markdown-table";
import { type Contestant, nodeContestant, OURS } from "./contestant.js";
import type { Start } from "./fixed-memory.js";
import { spread } from "./number-text.js";
import { Figures, type Place } from "./results.js";
import { measureAll, type Progress, type Sample } from "./schedule.js";
import type { Section } from "./section.js";
import { type Selection, select } from "./selection.js";
import { MEASURED, UNSETTLED } from "./tables.js";

const PROGRAMS = fileURLToPath(new URL("../dist/", import.meta.url));
const CLIENT = "client-process.js";

/** The work and the modes that are compared where no word names any. */
const DEFAULT = { section: "exchange", at: 64 };
const MODES = ["plain", "compatible", "secure"];

/** The figures of an exchange for the reader; others are shown by their names. */
const FIGURES: Readonly<Record<string, string>> = {
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

/** The sections, and the modes of ours, that are to be compared. @throws TypeError when a word names nothing */
export function choose(
  words: readonly string[],
  all: readonly Section[],
): { readonly sections: readonly Section[]; readonly modes: readonly string[] } {
  const names: Selection = { sections: all.map(({ name }) => name), contestants: Object.keys(OURS) };
  const { sections, contestants } = select(words, names, MEASURED, { sections: [], contestants: MODES });
  if (sections.length > 0) return { sections: all.filter(({ name }) => sections.includes(name)), modes: contestants };
  const small = all
    .filter(({ name }) => name === DEFAULT.section)
    .map((section) => ({ ...section, points: section.points.filter(({ at }) => at === DEFAULT.at) }));
  return { sections: small, modes: contestants };
}

/**
 * Measures this workspace beside one that is built in `folder`. The programs of this benchmark are copied there, so that
 * both sides do the same work, and only the packages that the programs find differ.
 * @param start of all measured processes, of both sides
 */
export async function measureAgainst(
  folder: string,
  { sections, modes }: ReturnType<typeof choose>,
  rounds: number,
  start: Start,
  progress: Progress,
): Promise<Sample[]> {
  const copy = mkdtempSync(join(folder, "apps/bench/programs-"));
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
      ...[`${section} ${at}`, FIGURES[figure] ?? figure, mode, median],
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
