import { mkdir, mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Side } from "./fault-plan.js";
import { PeerProcess } from "./peer-process.js";
import { makePlan } from "./plan-maker.js";
import { type RunResult, SERVER_FOLDER, SeededRun } from "./seeded-run.js";
import { findFault } from "./verdict.js";

/** A run takes some hundred milliseconds. What takes as long as this, on whatever machine, hangs. */
const WATCHDOG_MS = 20_000;
/** A run that went wrong. */
export class BadRun extends Error {
  override readonly name = "BadRun";
}

/** A server's and a client's process, in which runs of one transport follow each other. */
export class Lane {
  readonly #peers: Readonly<Record<Side, PeerProcess>>;
  /** Short: a socket's path has 103 bytes. */
  readonly #directory: string;

  private constructor(directory: string, peers: Readonly<Record<Side, PeerProcess>>) {
    this.#directory = directory;
    this.#peers = peers;
  }

  /** @param program what the processes run; peer-program.js by default */
  static async start(program?: string): Promise<Lane> {
    const directory = await mkdtemp(join(tmpdir(), "ipc-faults-"));
    await mkdir(join(directory, SERVER_FOLDER), { mode: 0o700 });
    const start = (side: Side): Promise<PeerProcess> => PeerProcess.start(side, program);
    const [server, client] = await Promise.all([start("server"), start("client")]);
    return new Lane(directory, { server, client });
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

  /** Ends both processes, which must end well, and leaves no file behind. */
  async close(): Promise<void> {
    const codes = await Promise.all([this.#peers.server.close(), this.#peers.client.close()]);
    if (codes.some((code) => code !== 0)) throw new BadRun(`the processes ended with ${codes.join(" and ")}`);
    // Fails if a socket file is left.
    await rmdir(join(this.#directory, SERVER_FOLDER));
    await rmdir(this.#directory);
  }

  async kill(): Promise<void> {
    await Promise.all([this.#peers.server.kill(), this.#peers.client.kill()]);
    await rm(this.#directory, { recursive: true, force: true });
  }
}
