import { median } from "../quantile.js";

/** Long enough for many messages, short enough to show how a process gets faster while its code is compiled. */
export const WINDOW_MS = 100;

/** So many windows in a row have to agree, the greatest with the least. */
const IN_A_ROW = 3;
const AGREE_WITHIN = 0.05;

/** A process that has not settled by then does not settle: the machine is too busy, or the work is uneven. */
export const MOST_WINDOWS = 20;

/**
 * Runs a work in windows until it is in its steady state: the medians of three windows in a row differ by 5 % at the most.
 * Resolves with false when the medians of 20 windows did not settle.
 * @param window runs one window, and resolves with its figures, which are compared by their median
 */
export async function settle(window: () => Promise<readonly number[]>): Promise<boolean> {
  const medians: number[] = [];
  for (let count = 0; count < MOST_WINDOWS; count++) {
    medians.push(median(await window()));
    const last = medians.slice(-IN_A_ROW);
    if (last.length === IN_A_ROW && Math.max(...last) <= Math.min(...last) * (1 + AGREE_WITHIN)) return true;
  }
  return false;
}
