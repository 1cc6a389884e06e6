import { LANES } from "./fault-plan.js";
import { FaultTally } from "./fault-tally.js";
import { BadRun, Lane } from "./lane.js";

export interface FaultRun {
  readonly seed: number;
  readonly runs: number;
  readonly onProgress?: (done: number) => void;
  /** What the processes run, for the tests of what a failure tells. @default peer-program.js */
  readonly program?: string;
}

/**
 * Plays one run a seed, in as many lanes at once as there are pairs of transport and wire, and counts what happened.
 * @throws BadRun naming the seed and what replays it
 */
export async function runFaults({ seed, runs, onProgress, program }: FaultRun): Promise<FaultTally> {
  const tally = new FaultTally();
  let isOver = false;
  const playLane = async (lane: number): Promise<void> => {
    const seeds = Array.from({ length: runs }, (_, index) => seed + index).filter((own) => own % LANES.length === lane);
    if (seeds.length === 0) return;
    const processes = await Lane.start(program);
    try {
      for (const own of seeds) {
        if (isOver) break;
        tally.add(await naming(own, processes.run(own)));
        onProgress?.(tally.runs);
      }
      await processes.close();
    } catch (error) {
      isOver = true;
      await processes.kill();
      throw error;
    }
  };
  const played = await Promise.allSettled(LANES.map((_, lane) => playLane(lane)));
  for (const lane of played) if (lane.status === "rejected") throw lane.reason;
  return tally;
}

async function naming<T>(seed: number, run: Promise<T>): Promise<T> {
  try {
    return await run;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new BadRun(`seed ${seed}: ${message}\nreplay: npm run faults -- --seed ${seed}`, { cause: error });
  }
}
