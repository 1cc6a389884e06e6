import { Waits } from "@ipc-internal/stress";
import { feedDecoder } from "./decoder-feed.js";
import { type Input, makeInput } from "./input.js";
import { feedSession } from "./session-feed.js";
import { BadEnding, type Ending, Tally } from "./tally.js";

/** Inputs under way at once: they share the turns of the event loop. */
const BATCH = 64;

/** A batch takes milliseconds, and hangs when it takes as long as this on any machine. */
const WATCHDOG_MS = 10_000;

/** Feeds one input, and resolves when all that waited for it has settled. */
type Feed = (input: Input, waits: Waits) => Ending | Promise<Ending>;

export interface MutationRun {
  readonly seed: number;
  readonly runs: number;
  /** Is called between batches, with what has been done so far. */
  readonly onProgress?: (done: number) => void;
  /** @default what the input is made for: the decoder, or a handshake and its session */
  readonly feed?: Feed;
}

/**
 * Feeds one input a seed and counts how they end.
 * @throws BadEnding naming the seed
 */
export async function runMutations({ seed, runs, onProgress, feed = feedTarget }: MutationRun): Promise<Tally> {
  const tally = new Tally();
  const timers = countTimers();
  for (let done = 0; done < runs; done += BATCH) {
    const size = Math.min(BATCH, runs - done);
    const inputs = Array.from({ length: size }, (_, index) => makeInput(seed + done + index));
    const endings = await feedAll(inputs, feed);
    inputs.forEach((input, index) => {
      tally.add(input, endings[index] as Ending);
    });
    onProgress?.(done + size);
  }
  if (countTimers() > timers) throw new BadEnding(`${countTimers() - timers} timers are left behind by what has ended`);
  return tally;
}

/** Those of the process that keep it alive. */
function countTimers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
}

function feedTarget(input: Input, waits: Waits): Ending | Promise<Ending> {
  return input.target === "decoder" ? feedDecoder(input) : feedSession(input, waits);
}

async function feedAll(inputs: readonly Input[], feed: Feed): Promise<Ending[]> {
  const waits = inputs.map(() => new Waits());
  let watchdog: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_resolve, reject) => {
    watchdog = setTimeout(() => reject(new BadEnding(describeHang(inputs, waits))), WATCHDOG_MS);
  });
  // An uncaught exception ends the process by itself; this says which inputs may have caused it.
  const blame = (): void => console.error(`one of ${inputs.length} inputs threw an uncaught error: ${replay(inputs)}`);
  process.once("uncaughtExceptionMonitor", blame);
  try {
    const fed = inputs.map((input, index) => feedOne(input, waits[index] as Waits, feed));
    return await Promise.race([Promise.all(fed), hang]);
  } finally {
    clearTimeout(watchdog);
    process.off("uncaughtExceptionMonitor", blame);
  }
}

async function feedOne(input: Input, waits: Waits, feed: Feed): Promise<Ending> {
  try {
    return await feed(input, waits);
  } catch (error) {
    const message = `${describe(input)}: ${error instanceof Error ? error.message : String(error)}\n${replay([input])}`;
    throw new BadEnding(message, { cause: error });
  }
}

function describeHang(inputs: readonly Input[], waits: readonly Waits[]): string {
  const hanging = inputs.filter((_, index) => (waits[index]?.names.length ?? 0) > 0);
  const names = hanging.map(
    (input) => `${describe(input)} waits for ${waits[inputs.indexOf(input)]?.names.join(", ")}`,
  );
  return [...names, replay(hanging.length > 0 ? hanging.slice(0, 1) : inputs)].join("\n");
}

function describe({ seed, target, wire, mutations, end }: Input): string {
  return `seed ${seed} (${target}, ${wire}, ${mutations.join(" and ") || "as recorded"}, ${end})`;
}

function replay(inputs: readonly Input[]): string {
  const first = inputs[0]?.seed ?? 0;
  const runs = (inputs.at(-1)?.seed ?? 0) - first + 1;
  return `replay: npm run fuzz -- --seed ${first}${runs === 1 ? "" : ` --runs ${runs}`}`;
}
