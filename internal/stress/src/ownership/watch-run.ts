import { lstatSync } from "node:fs";
import { join } from "node:path";
import { PATIENCE_MS } from "../process/child.js";
import { Place } from "../process/place.js";
import { count } from "../report/figure.js";
import { assertOutcome, SOCKET, startOwner } from "./owner.js";
import type { WatcherCalls, WatcherNews } from "./watcher.js";

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
    const { directory } = place;
    const options = { args: [directory], patienceMs: PATIENCE_MS };
    const watcher = await place.start<WatcherCalls, WatcherNews>("ownership/watcher", options);
    /**
     * Resolves with what has been seen since the last time, when the socket file as it is now has been seen too. Files within a
     * directory that no other user may enter are left out: their mode means nothing.
     */
    const seenUntilNow = async (): Promise<string[]> => {
      const { ino, birthtimeNs, mode } = lstatSync(join(directory, SOCKET), { bigint: true });
      // With its last mode, because a socket may be seen before.
      const last = [SOCKET, (mode & 0o7777n).toString(8), `${ino} ${birthtimeNs}`].join();
      const sights: string[] = [];
      for (;;) {
        const { name, what, mode: seenMode, file } = (await watcher.next("seen")).sighting;
        if (!name.includes("/")) sights.push(`${what} ${seenMode}`);
        if ([name, seenMode, file].join() === last) return sights;
      }
    };
    const owner = await startOwner(place);
    const seen: Record<string, number> = {};
    for (let start = 0; start < starts; start++) {
      const unmaskPermissions = start % 2 === 1;
      const umask = UMASKS[start % UMASKS.length] ?? 0;
      assertOutcome(await owner.call("listen", { unmaskPermissions, umask }), "ok");
      for (const sight of await seenUntilNow()) {
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
    const careless = await seenUntilNow();
    await owner.call("close");
    await owner.end();
    const looks = await watcher.call("stop");
    await watcher.end();
    return { starts, seen, careless, looks };
  });
}
