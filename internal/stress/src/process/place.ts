import { readdirSync } from "node:fs";
import { mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Calls } from "./calls.js";
import { Child, type ChildOptions } from "./child.js";

/** A directory for the sockets of one run, and the processes that use it. */
export class Place {
  /** Short: a socket's path has at most 103 bytes. */
  readonly directory: string;
  readonly #children: { kill(): Promise<void> }[] = [];

  private constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Gives a run its place. When the run is over, the directory must be empty; when it fails, its processes are killed.
   * @throws what the run throws, and ENOTEMPTY
   */
  static async lend<T>(run: (place: Place) => Promise<T>): Promise<T> {
    const place = new Place(await mkdtemp(join(tmpdir(), "ipc-stress-")));
    try {
      const result = await run(place);
      await rmdir(place.directory);
      return result;
    } finally {
      await Promise.all(place.#children.map((child) => child.kill()));
      await rm(place.directory, { recursive: true, force: true });
    }
  }

  /** Starts a program that is killed at the latest when the run is over. */
  async start<C extends Calls, N extends { readonly kind: string } = never>(
    program: string,
    options?: ChildOptions,
  ): Promise<Child<C, N>> {
    const child = await Child.start<C, N>(program, options);
    this.#children.push(child);
    return child;
  }

  /** @throws Error when there is more or less in the directory than these files */
  assertHolds(...files: readonly string[]): void {
    const found = readdirSync(this.directory).sort();
    if (found.join() !== [...files].sort().join())
      throw new Error(`expected ${files.join()} alone, found ${found.join()}`);
  }
}
