import { assert, asyncProperty } from "fast-check";
import { onTestFinished, vi } from "vitest";
import { stopClock } from "../../testkit/src/stopped-clock.js";
import { loadMutant, type Mutation } from "../src/resume/mutant.js";
import { programOf, type Step } from "../src/resume/program.js";
import type { HostKind, Packages } from "../src/resume/resume-host.js";
import { FEW_DETACHED, ResumeWorld } from "../src/resume/resume-world.js";

/** Loads the packages, for a manager as a copy in which the limit of the sessions without a connection is small. */
export function load(kind: HostKind, ...mutations: readonly Mutation[]): Promise<Packages> {
  return loadMutant(...mutations, ...(kind === "manager" ? [FEW_DETACHED] : []));
}

/** Plays random programs. Without `endOnFailure` it looks for a shorter program that fails. */
export async function playPrograms(
  kind: HostKind,
  packages: Packages,
  parameters: { readonly numRuns: number; readonly endOnFailure?: boolean; readonly seed?: number },
): Promise<void> {
  const pass = stopClock();
  // The session that ends is chosen at random.
  const random = vi.spyOn(Math, "random").mockReturnValue(0);
  onTestFinished(() => random.mockRestore());
  const run = async (steps: readonly Step[]): Promise<void> => {
    const world = new ResumeWorld({ kind, packages, pass });
    try {
      await world.start();
      for (const step of steps) await world.play(step);
      await world.finish();
    } finally {
      world.destroy();
    }
  };
  await assert(asyncProperty(programOf(kind), run), parameters);
}
