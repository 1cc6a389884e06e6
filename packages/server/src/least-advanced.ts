/** Something that waits for its client, which a flood of others may displace. */
export interface Displaceable {
  /** How far the client has come: whole numbers from 0 up. */
  readonly stage: number;
}

/**
 * Returns the one that has advanced least, at random among equals; undefined if all have reached `safeStage`.
 *
 * Dropping the oldest would let a flood of strangers drop every client that takes longer than they need to fill all places. By
 * progress, a stranger displaces other strangers first. By chance, no order of arrival is a way to stay.
 *
 * @param random returns a number of 0 … 1, 1 excluded
 */
export function leastAdvanced<T extends Displaceable>(
  all: Iterable<T>,
  safeStage: number,
  random: () => number,
): T | undefined {
  let least = safeStage;
  let equals: T[] = [];
  for (const each of all) {
    const { stage } = each;
    if (stage < least) {
      least = stage;
      equals = [];
    }
    if (stage === least && least < safeStage) equals.push(each);
  }
  return equals[Math.floor(random() * equals.length)];
}
