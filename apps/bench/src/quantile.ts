import { QUANTILES } from "./order.js";

/** A quantile with fewer values above it says more of them than of the rest. */
const ENOUGH_ABOVE = 10;

/** The value below which the share `at` of all lies. `sorted` from the least to the greatest. */
function quantile(sorted: readonly number[], at: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? Number.NaN;
}

/** The middle value, or the mean of both middle values; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort(ascending);
  const [lower, upper] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((lower ?? Number.NaN) + (upper ?? Number.NaN)) / 2;
}

/** The median of each position over all rounds, as far as the shortest round goes. */
export function medians(rounds: readonly (readonly number[])[]): number[] {
  const length = Math.min(...rounds.map((round) => round.length));
  return (rounds[0] ?? []).slice(0, length).map((_, at) => median(rounds.map((round) => round[at] ?? Number.NaN)));
}

/**
 * Gives the quantiles of round trips in microseconds: those of QUANTILES, and some by name. One above the median that has
 * fewer than ten values above it is left out.
 */
export function tellTimes(timesUs: readonly number[]): {
  readonly figures: { readonly p50Us: number; readonly p99Us?: number; readonly p999Us?: number };
  readonly quantilesUs: readonly number[];
} {
  const sorted = [...timesUs].sort(ascending);
  // Without Number.EPSILON a hundred values have 9.999 above their p90.
  const isKnown = (at: number): boolean => at <= 0.5 || sorted.length * (1 - at + Number.EPSILON) >= ENOUGH_ABOVE;
  return {
    figures: {
      p50Us: quantile(sorted, 0.5),
      ...(isKnown(0.99) && { p99Us: quantile(sorted, 0.99) }),
      ...(isKnown(0.999) && { p999Us: quantile(sorted, 0.999) }),
    },
    quantilesUs: QUANTILES.filter(isKnown).map((at) => quantile(sorted, at)),
  };
}

function ascending(a: number, b: number): number {
  return a - b;
}
