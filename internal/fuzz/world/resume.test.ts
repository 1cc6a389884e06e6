// The packages take their timers from `node:timers`, which follows the stopped clock from this import on.
import "../../testkit/src/node-timers.js";
import { expect, it } from "vitest";
import type { HostKind } from "../src/resume/resume-host.js";
import { load, playPrograms } from "../test/play-programs.js";

/** The first of them are those of `npm test`, whose seed this is too. */
const RUNS = 40;
const SEED = 1;

it.each<HostKind>(["server", "manager"])(
  `peers that resume, with a %s, lose, repeat and reorder nothing in ${RUNS} programs`,
  async (kind) => {
    await expect(playPrograms(kind, await load(kind), { numRuns: RUNS, seed: SEED })).resolves.toBeUndefined();
  },
);
