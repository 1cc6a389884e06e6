import type { Outcome } from "./order.js";
import { medians } from "./quantile.js";
import type { Results } from "./results.js";
import type { Sample } from "./schedule.js";

/** The digits of a recorded figure. The document shows three. */
const DIGITS = 5;

/** The samples of all rounds of one measurement. */
interface Place extends Pick<Sample, "section" | "at" | "contestant"> {
  /** By name, a value for each round; null: there is none. */
  readonly figures: Readonly<Record<string, readonly (number | null)[]>>;
  /** Medians over the rounds. */
  readonly quantilesUs?: readonly number[];
  /** By the name of a figure, the rounds in which its warm-up did not settle. */
  readonly unsettled?: Readonly<Record<string, number>>;
  /** Why there is no figure, where nothing was measured. */
  readonly why?: Exclude<Sample["outcome"], Outcome>;
}

/** The part of a run that is kept: as much as the document shows, and not every sample of the run. */
type RecordedRun = Omit<Results, "samples"> & { readonly places: readonly Place[] };

/** Writes a run as text, a measurement in a line. */
export function packRun({ samples, ...run }: Results): string {
  const groups = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = [sample.section, sample.at, sample.contestant].join();
    groups.set(key, [...(groups.get(key) ?? []), sample]);
  }
  const places = [...groups.values()].map((group) => JSON.stringify(placeOf(group), rounded));
  return `${JSON.stringify(run, rounded).slice(0, -1)},"places":[\n${places.join(",\n")}\n]}\n`;
}

export function unpackRun(text: string): Results {
  const { places, ...run } = JSON.parse(text) as RecordedRun;
  return { ...run, samples: places.flatMap(samplesOf) };
}

function placeOf(samples: readonly Sample[]): Place {
  const [{ section, at, contestant }] = samples as [Sample];
  const measured = samples.flatMap(({ outcome }) => ("figures" in outcome ? [outcome] : []));
  const [why] = samples.flatMap(({ outcome }) => ("figures" in outcome ? [] : [outcome]));
  const names = new Set(measured.flatMap(({ figures }) => Object.keys(figures)));
  const quantiles = measured.flatMap(({ quantilesUs }) => (quantilesUs === undefined ? [] : [quantilesUs]));
  const unsettled = countEach(measured.flatMap(({ unsettled = [] }) => unsettled));
  return {
    ...{ section, at, contestant },
    figures: Object.fromEntries([...names].map((name) => [name, measured.map(({ figures }) => figures[name] ?? null)])),
    ...(quantiles.length > 0 && { quantilesUs: medians(quantiles) }),
    ...(Object.keys(unsettled).length > 0 && { unsettled }),
    ...(why && { why }),
  };
}

function samplesOf({ section, at, contestant, figures, quantilesUs, unsettled = {}, why }: Place): Sample[] {
  const rounds = Math.max(0, ...Object.values(figures).map((values) => values.length));
  const outcomes = Array.from({ length: rounds }, (_, round): Sample["outcome"] => {
    const known = Object.entries(figures).flatMap(([name, values]) => {
      const value = values[round] ?? null;
      return value === null ? [] : [[name, value] as const];
    });
    return {
      figures: Object.fromEntries(known),
      ...(round === 0 && quantilesUs && { quantilesUs }),
      // In which rounds is not recorded.
      unsettled: Object.keys(unsettled).filter((name) => round < (unsettled[name] ?? 0)),
    };
  });
  const all = why === undefined ? outcomes : [...outcomes, why];
  return all.map((outcome, round) => ({ section, at, contestant, round, seconds: 0, outcome }));
}

function countEach(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** Keeps sizes and counts as they are. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(DIGITS)) : value;
}
