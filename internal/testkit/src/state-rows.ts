import { expect } from "vitest";
import { outcomeOf } from "./outcome.js";

/** Reads a table of a header and a row for each state; returns the cell of a state and a column. */
export function readRows(table: string): (state: string, column: string) => string {
  const [columns = [], ...rows] = table
    .trim()
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()));
  return (state, column) => {
    const cell = rows.find(([name]) => name === state)?.[columns.indexOf(column)];
    if (cell === undefined) throw new Error(`the table has no cell for ${state}, ${column}`);
    return cell;
  };
}

/**
 * Makes a call and expects it to come to a word: `done`, `itself`, a status, a text, the code of a rejection, `throws` and the
 * code. `… what`: the call waits until its peer is destroyed, and then comes to that.
 */
export async function expectOutcome<P extends { destroy(): void }>(
  peer: P,
  call: (peer: P) => unknown,
  word: string,
): Promise<void> {
  const { now, inTheEnd } = await outcomeOf(() => call(peer), peer);
  if (word.startsWith("… ")) {
    expect(now).toBeUndefined();
    peer.destroy();
    expect(`… ${await inTheEnd}`).toBe(word);
  } else expect(await inTheEnd).toBe(word);
}
