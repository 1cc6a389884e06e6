import { lstatSync } from "node:fs";
import { join } from "node:path";
import { type Child, PATIENCE_MS } from "../process/child.js";
import { Place } from "../process/place.js";
import { count } from "../report/figure.js";
import { assertOutcome, SOCKET, startOwner } from "./owner.js";
import type { Sighting, WatcherCalls, WatcherNews } from "./watcher.js";

const UMASKS = [0o000, 0o022, 0o077];

export interface WatchResult {
  readonly starts: number;
  /** How often the directory was looked into. */
  readonly looks: number;
  /** How often each file of the servers was seen in it: `socket 600`, `directory 700`. */
  readonly seen: Readonly<Record<string, number>>;
  /** The files of a server that leaves the mode to the umask, which is 0: the proof that a wrong mode is noticed. */
  readonly careless: readonly string[];
}

/**
 * Starts servers while another process looks on, with unmaskPermissions and without, under several umasks, in turn. Each stays
 * until its socket file has been seen.
 * @throws Error when anything was seen with another mode than it must have
 */
export function watchStarts(starts: number): Promise<WatchResult> {
  return Place.lend(async (place) => {
    const watch = await Watch.start(place);
    const owner = await startOwner(place);
    const seen: Record<string, number> = {};
    for (let start = 0; start < starts; start++) {
      const unmaskPermissions = start % 2 === 1;
      const umask = UMASKS[start % UMASKS.length] ?? 0;
      assertOutcome(await owner.call("listen", { unmaskPermissions, umask }), "ok");
      for (const sight of await watch.until(SOCKET)) {
        // A lock, a directory in which the socket is bound first, or a socket to which no other user can connect yet.
        const isClosed = ["file 600", "directory 700", "socket 755", "socket 700"].includes(sight);
        if (!isClosed && sight !== (unmaskPermissions ? "socket 777" : "socket 600")) {
          throw new Error(`with unmaskPermissions ${unmaskPermissions} there was a ${sight}`);
        }
        count(seen, sight);
      }
      await owner.call("close");
    }
    await owner.call("listenCarelessly", 0);
    const careless = await watch.until(SOCKET);
    await owner.call("close");
    await owner.end();
    return { starts, seen, careless, looks: await watch.end() };
  });
}

/** The runner's end of a watcher. */
class Watch {
  readonly #directory: string;
  readonly #watcher: Child<WatcherCalls, WatcherNews>;

  private constructor(directory: string, watcher: Child<WatcherCalls, WatcherNews>) {
    this.#directory = directory;
    this.#watcher = watcher;
  }

  static async start(place: Place): Promise<Watch> {
    const { directory } = place;
    const options = { args: [directory], patienceMs: PATIENCE_MS };
    return new Watch(directory, await place.start<WatcherCalls, WatcherNews>("ownership/watcher", options));
  }

  /**
   * Resolves with what has been seen since the last time, when that is also what stands at this name now. What lies within a
   * directory that no other user may enter is left out: its mode means nothing.
   */
  async until(name: string): Promise<string[]> {
    const { ino, birthtimeNs, mode } = lstatSync(join(this.#directory, name), { bigint: true });
    // With its last mode, because a socket may be seen before.
    const last = { name, mode: (mode & 0o7777n).toString(8), file: `${ino} ${birthtimeNs}` };
    const seen: string[] = [];
    for (;;) {
      const { sighting } = await this.#watcher.next("seen");
      if (!sighting.name.includes("/")) seen.push(`${sighting.what} ${sighting.mode}`);
      if (isOf(sighting, last)) return seen;
    }
  }

  /** Resolves with how often it has looked. */
  async end(): Promise<number> {
    const looks = await this.#watcher.call("stop");
    await this.#watcher.end();
    return looks;
  }
}

function isOf(sighting: Sighting, last: Omit<Sighting, "what">): boolean {
  return sighting.name === last.name && sighting.file === last.file && sighting.mode === last.mode;
}
