import { readdirSync } from "node:fs";
import { mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A process that can be killed. */
interface Mortal {
  kill(): Promise<void>;
}

/** A directory for the sockets of one run, and the processes that use it. */
export class Place {
  /** Short: a socket's path has 103 bytes. */
  readonly directory: string;
  readonly #processes: Mortal[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Gives a run its place. When the run is over nothing may be left there; when it fails, its processes are killed.
   * @throws what the run throws, and ENOTEMPTY
   */
  static async lend<T>(run: (place: Place) => Promise<T>): Promise<T> {
    const place = new Place(await mkdtemp(join(tmpdir(), "ipc-processes-")));
    try {
      const result = await run(place);
      await rmdir(place.directory);
      return result;
    } finally {
      await Promise.all(place.#processes.map((process) => process.kill()));
      await rm(place.directory, { recursive: true, force: true });
    }
  }

  /** Kills a process that the run leaves behind. */
  async watch<T extends Mortal>(started: Promise<T>): Promise<T> {
    const process = await started;
    this.#processes.push(process);
    return process;
  }

  /** @throws Error when there is more or less in the directory than these files */
  assertHolds(...files: readonly string[]): void {
    const found = readdirSync(this.directory).sort();
    if (found.join() !== [...files].sort().join())
      throw new Error(`expected ${files.join()} alone, found ${found.join()}`);
  }
}
