import { startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { assert, asyncProperty } from "fast-check";
import { describe, expect, it } from "vitest";
import { stopClock } from "../../../testkit/src/stopped-clock.js";
import { loadMutant } from "./mutant.js";
import { program } from "./program.js";
import { type Packages, ResumeWorld, type Step } from "./resume-world.js";

const RUNS = 100;
/** Some seconds; much longer while the machine is busy. */
const TIMEOUT_MS = 300_000;

/** Without `endOnFailure` it looks for a shorter program that fails. */
async function playPrograms(
  packages: Packages,
  parameters: { numRuns: number; endOnFailure?: boolean },
): Promise<void> {
  const pass = stopClock();
  const run = async (steps: readonly Step[]): Promise<void> => {
    const world = new ResumeWorld(packages, pass);
    try {
      await world.start();
      for (const step of steps) await world.play(step);
      await world.finish();
    } finally {
      world.destroy();
    }
  };
  await assert(asyncProperty(program, run), parameters);
}

describe("two peers that resume", { timeout: TIMEOUT_MS }, () => {
  it("lose, repeat and reorder nothing, and tell exactly what a lost session costs, in every program", async () => {
    await expect(playPrograms({ startClient, startServer }, { numRuns: RUNS })).resolves.toBeUndefined();
  });

  it("are found to be broken if the server does not end the old connection before it answers", async () => {
    const mutant = await loadMutant({ package: "session", code: "session.owner.fence();", instead: "" });
    const playing = playPrograms(mutant, { numRuns: RUNS, endOnFailure: true });
    await expect(playing).rejects.toMatchObject({ cause: { name: "BrokenPromise" } });
  });
});
