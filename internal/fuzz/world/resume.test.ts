// The packages take their timers from `node:timers`, which follows the stopped clock from this import on.
import "../../testkit/src/node-timers.js";
import { expect, it } from "vitest";
import type { HostKind } from "../src/resume/resume-host.js";
import { playPrograms } from "../test/play-programs.js";

/** Others in each run. One that fails is printed at once, with the seed and the path that make it again. */
const RUNS = 40;

it.each<HostKind>(["server", "manager"])(
  `peers that resume, with a %s, lose, repeat and reorder nothing in ${RUNS} programs`,
  async (kind) => {
    await expect(playPrograms(kind, { numRuns: RUNS, endOnFailure: true })).resolves.toBeUndefined();
  },
);
