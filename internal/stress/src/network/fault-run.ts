import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { Place } from "../process/place.js";
import type { Side } from "../traffic/message.js";
import { LANES } from "./fault-plan.js";
import { FaultTally } from "./fault-tally.js";
import type { PeerCalls, PeerNews } from "./peer.js";
import { makePlan } from "./plan-maker.js";
import { type PeerProcess, type Peers, type RunResult, SERVER_FOLDER, SeededRun } from "./seeded-run.js";
import { findFault } from "./verdict.js";

/** A run takes some hundred milliseconds. What takes as long as this, on any machine, hangs. */
const WATCHDOG_MS = 20_000;

export interface FaultRun {
  readonly seed: number;
  readonly runs: number;
  readonly onProgress?: (done: number) => void;
  /** The program of both processes, for the tests of what a failure tells. */
  readonly program?: string;
}

/**
 * Plays one run a seed, in as many lanes at once as there are pairs of transport and wire, and counts what happened. A lane is a
 * server's and a client's process, in which its runs follow each other.
 * @throws Error naming the seed, what went wrong or hangs, and what replays it
 */
export async function runFaults({ seed, runs, onProgress, program = "network/peer" }: FaultRun): Promise<FaultTally> {
  const tally = new FaultTally();
  let isOver = false;
  const playLane = async (seeds: readonly number[], place: Place): Promise<void> => {
    const folder = join(place.directory, SERVER_FOLDER);
    await mkdir(folder, { mode: 0o700 });
    const start = (side: Side): Promise<PeerProcess> => place.start<PeerCalls, PeerNews>(program, { args: [side] });
    const [server, client] = await Promise.all([start("server"), start("client")]);
    for (const own of seeds) {
      if (isOver) break;
      tally.add(await playSeed(own, { server, client }, place.directory));
      onProgress?.(tally.runs);
    }
    await Promise.all([server.end(), client.end()]);
    // Fails if a socket file is left.
    await rmdir(folder);
  };
  const all = Array.from({ length: runs }, (_, index) => seed + index);
  const lanes = LANES.map((_, lane) => all.filter((own) => own % LANES.length === lane));
  const playing = lanes.filter(({ length }) => length > 0);
  const played = await Promise.allSettled(
    playing.map((seeds) =>
      Place.lend((place) => playLane(seeds, place)).catch((error: unknown) => {
        isOver = true;
        throw error;
      }),
    ),
  );
  for (const lane of played) if (lane.status === "rejected") throw lane.reason;
  return tally;
}

async function playSeed(seed: number, peers: Peers, directory: string): Promise<RunResult> {
  const run = new SeededRun(makePlan(seed), peers, directory);
  let watchdog: NodeJS.Timeout | undefined;
  const hang = new Promise<"hang">((resolve) => {
    watchdog = setTimeout(() => resolve("hang"), WATCHDOG_MS);
  });
  try {
    const result = await Promise.race([run.play(), hang]);
    const fault = result === "hang" ? `hangs: ${await run.describeHang()}` : findFault(result);
    if (result === "hang" || fault !== undefined) throw new Error(fault);
    return result;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const replay = `replay: npm run stress -- network --seed ${seed}`;
    throw new Error(`seed ${seed}: ${message}\n${replay}`, { cause: error });
  } finally {
    clearTimeout(watchdog);
    await run.end();
  }
}
