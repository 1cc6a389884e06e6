/** How much all outboxes of this process may gather before the event loop has its turn. */
const TURN_BYTES = 262_144;

let gatheredBytes = 0;
let turn: Promise<void> | undefined;

/** Takes note of what has been gathered in this tick. True when it is enough, over all connections of this process. */
export function gatherInTick(bytes: number): boolean {
  gatheredBytes += bytes;
  return gatheredBytes >= TURN_BYTES;
}

/** The tick is over: timers and reads come before the next one. */
export function endTick(): void {
  gatheredBytes = 0;
}

/** Flushes that may follow each other before the loop has its turn. */
const FLUSHES_IN_TURN = 16;

let flushes = 0;

/**
 * Takes note of a flush. True when there were many since the loop's last turn: the kernel takes what is small at once, and a
 * loop that waits for each flush would starve timers and reads.
 */
export function flushInTurn(): boolean {
  if (flushes++ === 0) {
    setImmediate(() => {
      flushes = 0;
    });
  }
  return flushes > FLUSHES_IN_TURN;
}

/** Resolves in the loop's next turn: the same promise for all who ask in this one. */
export function nextTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined;
      resolve();
    });
  });
  return turn;
}
