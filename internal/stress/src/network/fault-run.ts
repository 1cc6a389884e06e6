import { Place } from "../process/place.js";
import { LANES } from "./fault-plan.js";
import { FaultTally } from "./fault-tally.js";
import { BadRun, Lane } from "./lane.js";

export interface FaultRun {
  readonly seed: number;
  readonly runs: number;
  readonly onProgress?: (done: number) => void;
  /** The program of both processes, for the tests of what a failure tells. */
  readonly program?: string;
}

/**
 * Plays one run a seed, in as many lanes at once as there are pairs of transport and wire, and counts what happened.
 * @throws BadRun naming the seed and what replays it
 */
export async function runFaults({ seed, runs, onProgress, program = "network/peer" }: FaultRun): Promise<FaultTally> {
  const tally = new FaultTally();
  let isOver = false;
  const playLane = async (seeds: readonly number[], place: Place): Promise<void> => {
    const lane = await Lane.start(place, program);
    try {
      for (const own of seeds) {
        if (isOver) break;
        tally.add(await naming(own, lane.run(own)));
        onProgress?.(tally.runs);
      }
      await lane.close();
    } catch (error) {
      isOver = true;
      throw error;
    }
  };
  const all = Array.from({ length: runs }, (_, index) => seed + index);
  const lanes = LANES.map((_, lane) => all.filter((own) => own % LANES.length === lane));
  const playing = lanes.filter(({ length }) => length > 0);
  const played = await Promise.allSettled(playing.map((seeds) => Place.lend((place) => playLane(seeds, place))));
  for (const lane of played) if (lane.status === "rejected") throw lane.reason;
  return tally;
}

async function naming<T>(seed: number, run: Promise<T>): Promise<T> {
  try {
    return await run;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const replay = `replay: npm run stress -- network --seed ${seed}`;
    throw new BadRun(`seed ${seed}: ${message}\n${replay}`, { cause: error });
  }
}
