import { readUint32, UINT32_BYTES, UINT32_MAX, writeUint32 } from "@ipc/framing";
import type { SeededRandom } from "@ipc-internal/stress";
import type { Item } from "./conversation.js";
import { MAX_MESSAGE_SIZE } from "./handshakes.js";

export type Mutation =
  | "truncate"
  | "stop"
  | "length"
  | "flip"
  | "shorten"
  | "empty"
  | "duplicate"
  | "insert"
  | "splice"
  | "swap"
  | "noise";

/** How often each comes, in parts of their sum. What ends an input where it is comes often; most others lead on. */
const WEIGHTS: Readonly<Record<Mutation, number>> = {
  truncate: 6,
  stop: 2,
  length: 3,
  flip: 1,
  shorten: 1,
  empty: 1,
  duplicate: 1,
  insert: 1,
  splice: 1,
  swap: 1,
  noise: 1,
};

const DICE: readonly Mutation[] = Object.entries(WEIGHTS).flatMap(([mutation, weight]) =>
  new Array<Mutation>(weight).fill(mutation as Mutation),
);

/** Lengths at which something changes. */
const SHORT_LENGTHS = [0, 1, 2, 3];
const EDGE_LENGTHS = [4, 5, 27, 28, 31, 32, 33, 4_096, 4_097, MAX_MESSAGE_SIZE + 4, MAX_MESSAGE_SIZE + 5];
const LONG_LENGTHS = [MAX_MESSAGE_SIZE + 32, MAX_MESSAGE_SIZE + 33, 65_536, 2 ** 24, 2 ** 31 - 1, 2 ** 31, UINT32_MAX];

const MOST_NOISE_BYTES = 40;

export function pickMutation(random: SeededRandom): Mutation {
  return random.pick(DICE);
}

/** Does one thing to the item at `index`; `others` are what may stand in its place. The items themselves are left as they are. */
export function mutate(
  items: readonly Item[],
  index: number,
  mutation: Mutation,
  random: SeededRandom,
  others: readonly Item[],
): Item[] {
  const item = items[index];
  if (item === undefined) throw new RangeError(`index: takes 0 … ${items.length - 1}, got ${index}`);
  const before = items.slice(0, index);
  const behind = items.slice(index + 1);
  const become = (...bytes: readonly Uint8Array[]): Item[] => [
    ...before,
    { state: item.state, bytes: Buffer.concat(bytes) },
    ...behind,
  ];
  const { bytes } = item;
  const at = random.integer(0, bytes.length);
  switch (mutation) {
    case "truncate":
      return [...before, { state: item.state, bytes: bytes.subarray(0, pickCut(bytes.length, random)) }];
    case "stop":
      return before;
    case "flip":
      return become(flipBits(bytes, random));
    case "shorten":
      return become(bytes.subarray(0, at), bytes.subarray(random.integer(at, bytes.length)));
    case "empty":
      return become();
    case "duplicate":
      return become(bytes, bytes);
    case "insert":
      return become(bytes.subarray(0, at), random.bytes(random.integer(1, MOST_NOISE_BYTES)), bytes.subarray(at));
    case "splice":
      return become(random.pick(others).bytes);
    case "swap":
      return swap(items, index, random.integer(0, items.length - 1));
    case "length":
      return become(changeLength(bytes, random));
    case "noise":
      return become(random.bytes(bytes.length));
  }
}

/** Half of the cuts are among the first bytes: there a length stands, where there is one. */
function pickCut(length: number, random: SeededRandom): number {
  return random.integer(0, (random.chance(0.5) ? Math.min(length, UINT32_BYTES) : length) - 1);
}

function flipBits(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const flipped = Uint8Array.from(bytes);
  if (flipped.length === 0) return flipped;
  for (let left = random.integer(1, 3); left > 0; left--) {
    const at = random.integer(0, flipped.length - 1);
    flipped[at] = (flipped[at] as number) ^ (1 << random.integer(0, 7));
  }
  return flipped;
}

function swap(items: readonly Item[], one: number, other: number): Item[] {
  const swapped = [...items];
  swapped[one] = items[other] as Item;
  swapped[other] = items[one] as Item;
  return swapped;
}

/** Changes the four bytes that stand first, where there are four: in all that has a length, that is where it stands. */
function changeLength(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  if (bytes.length < UINT32_BYTES) return random.bytes(UINT32_BYTES);
  const changed = Uint8Array.from(bytes);
  const length = readUint32(bytes, 0);
  const near = [length - 1, length + 1, length ^ 0x80, length << 8].map((value) => value >>> 0);
  writeUint32(changed, 0, random.pick(random.pick([near, SHORT_LENGTHS, EDGE_LENGTHS, LONG_LENGTHS])));
  return changed;
}
