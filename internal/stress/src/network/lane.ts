import { mkdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import type { Place } from "../process/place.js";
import type { Side } from "../traffic/message.js";
import type { PeerCalls, PeerNews } from "./peer.js";
import { makePlan } from "./plan-maker.js";
import { type PeerProcess, type Peers, type RunResult, SERVER_FOLDER, SeededRun } from "./seeded-run.js";
import { findFault } from "./verdict.js";

/** A run takes some hundred milliseconds. What takes as long as this, on any machine, hangs. */
const WATCHDOG_MS = 20_000;

/** A run that went wrong. */
export class BadRun extends Error {
  override readonly name = "BadRun";
}

/** A server's and a client's process, in which runs of one transport follow each other. */
export class Lane {
  readonly #peers: Peers;
  readonly #directory: string;

  private constructor(directory: string, peers: Peers) {
    this.#directory = directory;
    this.#peers = peers;
  }

  static async start(place: Place, program: string): Promise<Lane> {
    await mkdir(join(place.directory, SERVER_FOLDER), { mode: 0o700 });
    const start = (side: Side): Promise<PeerProcess> => place.start<PeerCalls, PeerNews>(program, { args: [side] });
    const [server, client] = await Promise.all([start("server"), start("client")]);
    return new Lane(place.directory, { server, client });
  }

  /** @throws BadRun saying what went wrong, or what hangs */
  async run(seed: number): Promise<RunResult> {
    const run = new SeededRun(makePlan(seed), this.#peers, this.#directory);
    let watchdog: NodeJS.Timeout | undefined;
    const hang = new Promise<"hang">((resolve) => {
      watchdog = setTimeout(() => resolve("hang"), WATCHDOG_MS);
    });
    try {
      const result = await Promise.race([run.play(), hang]);
      if (result === "hang") throw new BadRun(`hangs: ${await run.describeHang()}`);
      const fault = findFault(result);
      if (fault !== undefined) throw new BadRun(fault);
      return result;
    } finally {
      clearTimeout(watchdog);
      await run.end();
    }
  }

  /** Lets both processes end by themselves; fails if a socket file is left. */
  async close(): Promise<void> {
    await Promise.all([this.#peers.server.end(), this.#peers.client.end()]);
    await rmdir(join(this.#directory, SERVER_FOLDER));
  }
}
