import { setTimeout as sleep } from "node:timers/promises";
import type { Peer } from "@ipc/client";

export const NAME = "example_resume";

/** The meaning of a message, by its type. */
export const TYPE = { number: 1, end: 2, order: 3, crash: 4 } as const;

/** Both sides resume their session after a cut. */
export const OPTIONS = { resume: true } as const;

/** Numbers in a row: a cut meets some of them on their way, and a connection carries more than one cut holds up. */
const BURST = 20;

/** Writes 1, 2, 3 … until `isOver`, then how many there were. @returns the last number */
export async function count(peer: Peer, isOver: () => boolean): Promise<number> {
  let last = 0;
  while (!isOver()) {
    await peer.write(TYPE.number, String(++last));
    if (last % BURST === 0) await sleep(1);
  }
  await peer.write(TYPE.end, String(last));
  return last;
}

/** Checks that the other side's numbers come without a gap, none twice. */
export class Count {
  #last = 0;

  get last(): number {
    return this.#last;
  }

  take(number: number): void {
    if (number !== this.#last + 1) throw new Error(`${number} came after ${this.#last}`);
    this.#last = number;
  }
}
