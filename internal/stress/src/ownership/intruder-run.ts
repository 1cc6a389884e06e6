import { chmod } from "node:fs/promises";
import { ChildProgram } from "./child-program.js";
import type { IntruderNews, IntruderOrder } from "./intruder-order.js";
import { NOBODY } from "./other-user.js";
import { Owner } from "./owner.js";
import { Place } from "./place.js";

/** As /tmp: every user may add files, and no user may remove another's. */
const OPEN = 0o1777;

export interface IntruderResult {
  readonly starts: number;
  /** What the other user's attempts came to, how often: `entered`, or an errno. */
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
    const owner = await Owner.start(place);
    const intruder = await place.watch(
      ChildProgram.start<IntruderOrder, IntruderNews>("intruder-program", place.directory, String(NOBODY)),
    );
    for (let start = 0; start < starts; start++) {
      const outcome = await owner.listen({ umask: 0 });
      if (outcome !== "ok") throw new Error(`expected a server, got ${outcome}`);
      await intruder.ask({ kind: "await refusal" }, "refused");
      await owner.close();
    }
    const { outcomes } = await intruder.ask({ kind: "tell" }, "outcomes");
    await owner.listenCarelessly(0);
    await intruder.next("entered");
    await owner.close();
    await intruder.ask({ kind: "end" }, "ended");
    await intruder.end();
    await owner.end();
    return { starts, outcomes };
  });
}
