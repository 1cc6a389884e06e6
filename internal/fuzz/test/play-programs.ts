import { assert, asyncProperty, type Parameters } from "fast-check";
import { onTestFinished, vi } from "vitest";
import { stopClock } from "../../testkit/src/stopped-clock.js";
import { loadMutant, type Mutation } from "../src/resume/mutant.js";
import { HELD_CONNECTION, LATE_HANDSHAKES, programOf, type Step } from "../src/resume/program.js";
import type { HostKind } from "../src/resume/resume-host.js";
import { FEW_DETACHED, ResumeWorld } from "../src/resume/resume-world.js";

/** Plays a program. @throws BrokenPromise */
type Play = (steps: readonly Step[]) => Promise<void>;

/** Loads the packages, for a manager as a copy in which the limit of the sessions without a connection is small. */
export async function load(kind: HostKind, ...mutations: readonly Mutation[]): Promise<Play> {
  const packages = await loadMutant(...mutations, ...(kind === "manager" ? [FEW_DETACHED] : []));
  const pass = stopClock();
  // The session that ends is chosen at random.
  const random = vi.spyOn(Math, "random").mockReturnValue(0);
  onTestFinished(() => random.mockRestore());
  return async (steps) => {
    const world = new ResumeWorld({ kind, packages, pass });
    try {
      await world.start();
      for (const step of steps) await world.play(step);
      await world.finish();
    } finally {
      world.destroy();
    }
  };
}

/** Plays the fixed programs, and random ones, `numRuns` in all. Without `endOnFailure` it looks for a shorter one that fails. */
export async function playPrograms(kind: HostKind, parameters: Parameters<[readonly Step[]]>): Promise<void> {
  const examples: [readonly Step[]][] = [[HELD_CONNECTION], [LATE_HANDSHAKES]];
  await assert(asyncProperty(programOf(kind), await load(kind)), { ...parameters, examples });
}
