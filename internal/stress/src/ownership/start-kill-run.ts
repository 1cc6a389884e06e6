import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { clock } from "../process/calls.js";
import { Place } from "../process/place.js";
import { SeededRandom } from "../random.js";
import { assertOutcome, leaveStaleSocket, SOCKET, startOwner } from "./owner.js";

/** A start is over within this time, in milliseconds, from when it is ordered. */
const START_MS = 20;

export interface StartKillResult {
  readonly kills: number;
  /** How often killed processes left each kind of file beside the socket file: the directory to bind in, a lock. */
  readonly left: Readonly<Record<string, number>>;
  /** How long it took the next server to start, in milliseconds, each time. */
  readonly nextStartMs: readonly number[];
}

/**
 * Kills a process in the middle of its start, every other time over the file of a killed server, and starts the next one, which must
 * get the name and serve.
 * @throws Error when it does not
 */
export function killStarts(kills: number): Promise<StartKillResult> {
  return Place.lend(async (place) => {
    const [next, client] = await Promise.all([startOwner(place), startOwner(place)]);
    const random = new SeededRandom(kills);
    const left: Record<string, number> = {};
    const nextStartMs: number[] = [];
    for (let kill = 0; kill < kills; kill++) {
      if (kill % 2 === 0) await leaveStaleSocket(join(place.directory, SOCKET));
      const victim = await startOwner(place);
      const killed = victim.call("listen").catch(() => "killed");
      await pause(random.integer(0, START_MS));
      await victim.kill();
      await killed;
      const from = clock();
      assertOutcome(await next.call("listen"), "ok");
      assertOutcome(await client.call("dial"), "ok");
      nextStartMs.push(clock() - from);
      await next.call("close");
      for (const name of readdirSync(place.directory)) {
        const kind = lstatSync(join(place.directory, name)).isDirectory() ? "directory" : name;
        left[kind] = (left[kind] ?? 0) + 1;
        rmSync(join(place.directory, name), { recursive: true });
      }
    }
    await Promise.all([next.end(), client.end()]);
    return { kills, left, nextStartMs };
  });
}
