import { QUANTILES } from "./order.js";

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

/** What is told of round trips in microseconds. */
export function tellTimes(timesUs: readonly number[]): {
  figures: { p50Us: number; p99Us: number };
  quantilesUs: number[];
} {
  const sorted = [...timesUs].sort(ascending);
  return {
    figures: { p50Us: quantile(sorted, 0.5), p99Us: quantile(sorted, 0.99) },
    quantilesUs: QUANTILES.map((at) => quantile(sorted, at)),
  };
}

function ascending(a: number, b: number): number {
  return a - b;
}
