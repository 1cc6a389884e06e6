import { type Footprint, footprint, isSameCount } from "../process/footprint.js";
import { measureApart } from "../process/measurement.js";
import type { Place } from "../process/place.js";
import { groupDigits, mib, sum, table } from "../report/figure.js";
import { shortenSlots } from "../scale/slot-timer.js";
import type { Scenario } from "../scenario.js";
import { SoakWorld } from "./soak-world.js";

const MINUTE_MS = 60_000;
const MAX_HEAP_GROWTH = 0.05;
/** The growth of buffers outside the heap. */
const MAX_BUFFER_GROWTH_BYTES = 1_048_576;

/** The memory and handles of the process at a moment, and its work so far. */
interface Sample {
  readonly rounds: number;
  readonly messages: number;
  readonly files: number;
  readonly footprint: Footprint;
}

interface Soak {
  /** Rounds before the first look: what is loaded and kept once is there then. */
  readonly warmUp: number;
  /** Further looks, and the time between two, in which there is a round at the least. */
  readonly looks: number;
  readonly lookMs: number;
}

/** Everything again and again for minutes. Nothing may be left, and the heap stays within 5 % of its size after the first rounds. */
export const soak: Scenario<"minutes" | "warm-up"> = {
  what: "uses everything for so many minutes, and looks after each what the process holds",
  page: "ROBUSTNESS.md",
  options: { minutes: 30, "warm-up": 5 },

  async run({ minutes, "warm-up": warmUp }) {
    const samples = await playSoak({ warmUp, looks: minutes, lookMs: MINUTE_MS });
    const [first, last] = [samples[0], samples.at(-1)] as [Sample, Sample];
    const growth = last.footprint.heapUsed / first.footprint.heapUsed - 1;
    const met =
      growth <= MAX_HEAP_GROWTH &&
      last.footprint.external - first.footprint.external <= MAX_BUFFER_GROWTH_BYTES &&
      isSameCount(first.footprint, last.footprint) &&
      last.files === first.files;
    const figures = [
      `${groupDigits(last.rounds)} rounds, ${groupDigits(last.messages)} messages. From the first look to the last the heap grew by ${(growth * 100).toFixed(1)} %.\n`,
      table(
        ["minute", "rounds", "messages", "heap, MiB", "buffers, MiB", "descriptors", "sockets, timers …", "files"],
        samples.map(
          ({ rounds, messages, files, footprint: { heapUsed, external, descriptors, resources } }, minute) => [
            ...[`${minute}`, rounds, messages, mib(heapUsed, 2), mib(external, 2)],
            ...[descriptors ?? "unknown", sum(Object.values(resources)), files],
          ],
        ),
      ),
      `Target: nothing is left, and the heap grows by ${MAX_HEAP_GROWTH * 100} % at the most: ${met ? "met" : "MISSED"}.`,
    ].join("\n");
    return { figures, met };
  },
};

/** Without compiled code, which lies in the heap. */
export function playSoak(order: Soak): Promise<Sample[]> {
  return measureApart("soak/soak", order, ["--expose-gc", "--no-opt", "--no-sparkplug"]);
}

/** Uses everything again and again, and looks from time to time what this process holds. */
export async function measure({ warmUp, looks, lookMs }: Soak, place: Place): Promise<Sample[]> {
  shortenSlots();
  const world = await SoakWorld.open(place);
  const samples: Sample[] = [];
  const look = async (): Promise<void> => {
    await world.settle();
    const { rounds, messages } = world;
    samples.push({ rounds, messages, files: world.countFiles(), footprint: await footprint() });
  };
  for (let round = 0; round < warmUp; round++) await world.round();
  await look();
  const from = performance.now();
  for (let number = 1; number <= looks; number++) {
    do await world.round();
    while (performance.now() - from < number * lookMs);
    await look();
  }
  await world.close();
  return samples;
}
