import { UsageError } from "./exit-code.js";

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m)$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };
/** The longest time of a timer of Node.js. */
const MAX_MS = 2_147_483_647;

/**
 * Reads a duration, such as `250ms`, `1.5s` or `2m`.
 * @returns whole milliseconds, 1 … 2 147 483 647
 * @throws UsageError
 */
export function parseDuration(text: string): number {
  const [, amount, unit = ""] = DURATION.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (UNIT_MS[unit] ?? Number.NaN));
  if (ms >= 1 && ms <= MAX_MS) return ms;
  throw new UsageError(
    `takes a duration from 1ms to ${MAX_MS}ms, such as 250ms, 1.5s or 2m, got ${JSON.stringify(text)}`,
  );
}

/** Formats milliseconds for people: `35.2 µs`, `12.4 ms`, `3.20 s`. */
export function formatDuration(ms: number): string {
  // From 999.5 on three digits are 1.00e+3.
  if (ms >= 999.5) return `${(ms / 1_000).toFixed(2)} s`;
  return ms >= 0.9995 ? `${ms.toPrecision(3)} ms` : `${(ms * 1_000).toPrecision(3)} µs`;
}
