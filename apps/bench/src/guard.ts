import type { Manner } from "./adapter.js";
import { type Choice, type Comparison, FIGURES, labelOf } from "./comparison.js";
import { median } from "./quantile.js";
import { CALLS } from "./section.js";
import { near } from "./selection.js";

/** The limit of a median of ratios. */
export interface Limit {
  /** A section, a section with its point, a figure or a mode, or several of them; none: every rate at 64 B. */
  readonly names: readonly string[];
  readonly ratio: number;
}

/** Without another limit, no rate at 64 B may be below this one. */
export const DEFAULT_RATIO = 0.95;

const SEPARATOR = "+";
const MANNERS: readonly string[] = ["awaited", "when it must"] satisfies Manner[];

/** Figures that are better when they are less: times and bytes. */
const LESS_IS_BETTER = /(Us|Ms|Bytes| ns| µs|, p50)$/;

/** Reads `RATIO`, or `NAME+…=RATIO`. @throws TypeError when it is neither */
export function parseLimit(text: string): Limit {
  const at = text.lastIndexOf("=");
  const ratio = Number(text.slice(at + 1) || "none");
  const names = at === -1 ? [] : text.slice(0, at).split(SEPARATOR);
  if (!Number.isFinite(ratio) || ratio < 0 || names.includes(""))
    throw new TypeError(`--at-least: ${text} is neither RATIO nor NAME+…=RATIO`);
  return { names, ratio };
}

/**
 * Checks, before anything is measured, that the limits hold something of it.
 * @throws TypeError when a name is none of a section, a point, a mode or a figure, or when nothing is held against anything
 */
export function assertGuards({ sections, modes }: Choice, limits: readonly Limit[]): void {
  const places = sections.flatMap(({ name, points }) => [
    name,
    ...points.map(({ at }) => labelOf({ section: name, at })),
  ]);
  // The figures of calls have sizes in their names, and are known when they are measured.
  const hasCalls = sections.some(({ name }) => name === CALLS);
  const known = [...new Set([...places, ...modes, ...Object.keys(FIGURES), ...OTHER_FIGURES])];
  for (const name of limits.flatMap(({ names }) => names)) {
    if (known.includes(name) || (hasCalls && IS_CALL_FIGURE.test(name))) continue;
    throw new TypeError(`--at-least: nothing that is measured is called ${name}; ${near(name, known)}`);
  }
  if (limits.length > 0 || places.some((place) => IS_HELD_PLACE.test(place))) return;
  throw new TypeError(
    "--against: nothing that is measured is held against a ratio, which without --at-least only the rates at 64 B are; add `exchange 64`, fan-in or calls to --only, or --at-least with a name",
  );
}

/** The figures of messages that are not of an exchange. */
const OTHER_FIGURES: readonly string[] = [
  ...["perSecond", "fairness", "connectsPerSecond", "heapBytes", "externalBytes", "rssBytes"],
  ...["perSecondWithout", "perSecondBeside", "ratio", "rssGrowthBytes", "messages", "bulkPerSecond"],
  ...["senderHeapBytes", "receiverHeapBytes", "isTold", "writtenBytes"],
];

const IS_CALL_FIGURE = /: (calls\/s|items\/s|p50 µs|p99 µs)$|÷/;
const IS_HELD_PLACE = /^(exchange 64$|fan-in|calls$)/;

/**
 * Tells which medians are below their limit, a sentence for each, and which figures with one were not measured in their steady state. A time is held against the limit by other ÷ this, so that
 * below it is always worse. Of several limits for a figure the last one counts.
 * @throws TypeError when a limit has names that no figure has
 */
export function judge(comparisons: readonly Comparison[], limits: readonly Limit[]): string[] {
  const all: readonly Limit[] = [{ names: [], ratio: DEFAULT_RATIO }, ...limits];
  for (const limit of limits.filter(({ names }) => names.length > 0)) {
    if (comparisons.some((comparison) => isHeld(comparison, limit))) continue;
    const known = new Set(comparisons.flatMap(namesOf));
    throw new TypeError(
      `--at-least: no figure is called ${limit.names.join(SEPARATOR)}; names are ${[...known].join(", ")}`,
    );
  }
  return comparisons.flatMap((comparison) => {
    const limit = all.findLast((each) => isHeld(comparison, each));
    const known = comparison.ratios.filter((ratio) => ratio !== undefined);
    if (limit === undefined || limit.ratio === 0 || known.length === 0) return [];
    const what = [labelOf(comparison), comparison.figure, comparison.mode].join(SEPARATOR);
    if (comparison.isUnsettled)
      return [`${what}: did not settle, at least ${limit.ratio} is asked for; measure again on a quieter machine`];
    const isLess = LESS_IS_BETTER.test(comparison.figure);
    const middle = median(known.map((ratio) => (isLess ? 1 / ratio : ratio)));
    if (middle >= limit.ratio) return [];
    return [
      `${what}: ${isLess ? "other ÷ this" : "this ÷ other"} is ${middle.toFixed(3)}, at least ${limit.ratio} is asked for`,
    ];
  });
}

function isHeld(comparison: Comparison, { names }: Limit): boolean {
  if (names.length === 0) return isSmallRate(comparison);
  const known = namesOf(comparison);
  return names.every((name) => known.includes(name));
}

function namesOf(comparison: Comparison): string[] {
  return [comparison.section, labelOf(comparison), comparison.figure, comparison.mode];
}

/** Whether it is a rate of messages or calls of 64 B. */
function isSmallRate({ section, at, figure }: Comparison): boolean {
  if (section === "exchange") return at === 64 && MANNERS.includes(figure);
  if (section.startsWith("fan-in")) return figure === "perSecond";
  return section === "calls" && figure.startsWith("64 B ") && figure.endsWith("calls/s");
}
