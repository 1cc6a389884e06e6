import { chmod } from "node:fs/promises";
import { PATIENCE_MS } from "../process/child.js";
import { Place } from "../process/place.js";
import type { IntruderCalls } from "./intruder.js";
import { FIRST_USER } from "./other-user.js";
import { assertOutcome, SOCKET, startOwner } from "./owner.js";

/** As /tmp: every user may add files, and no user may remove another's. */
const OPEN = 0o1777;

export interface IntruderResult {
  readonly starts: number;
  /** How often the other user's attempts had each outcome: `entered`, or an errno. */
  readonly outcomes: Readonly<Record<string, number>>;
}

/**
 * Starts servers under umask 0 in a directory that all users may write, while another user connects in a loop. Each
 * server stays until the other user has been refused by its socket file. At last a server that leaves the mode to the
 * umask accepts that user, as proof that the attempts can succeed.
 */
export function intrude(starts: number): Promise<IntruderResult> {
  return Place.lend(async (place) => {
    await chmod(place.directory, OPEN);
    const owner = await startOwner(place);
    const args = [place.directory, SOCKET, String(FIRST_USER)];
    const intruder = await place.start<IntruderCalls>("ownership/intruder", { args, patienceMs: PATIENCE_MS });
    for (let start = 0; start < starts; start++) {
      assertOutcome(await owner.call("listen", { umask: 0 }), "ok");
      await intruder.call("until", "EACCES");
      await owner.call("close");
    }
    const outcomes = await intruder.call("outcomes");
    await owner.call("listenCarelessly", 0);
    await intruder.call("until", "entered");
    await owner.call("close");
    await intruder.call("stop");
    await intruder.end();
    await owner.end();
    return { starts, outcomes };
  });
}
