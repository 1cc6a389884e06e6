import { assert, asyncProperty } from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { stopClock } from "../../../testkit/src/stopped-clock.js";
import { loadMutant, type Mutation } from "./mutant.js";
import { programOf, type Step } from "./program.js";
import type { HostKind, Packages } from "./resume-host.js";
import { FEW_DETACHED, ResumeWorld } from "./resume-world.js";

const RUNS = 40;
/** Some seconds; much longer while the machine is busy. */
const TIMEOUT_MS = 300_000;

const NO_FENCE = { package: "session", code: "session.owner.fence();", instead: "" } as const;
const NO_ATTEMPTS = { package: "session", code: "if (attempt <= session.attempt)", instead: "if (false)" } as const;

/** The packages, and for a manager a copy of them in which the limit of the sessions without a connection is small. */
function load(kind: HostKind, ...mutations: readonly Mutation[]): Promise<Packages> {
  return loadMutant(...mutations, ...(kind === "manager" ? [FEW_DETACHED] : []));
}

/** Without `endOnFailure` it looks for a shorter program that fails. */
async function playPrograms(
  kind: HostKind,
  packages: Packages,
  parameters: { numRuns: number; endOnFailure?: boolean },
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

describe.each<HostKind>(["server", "manager"])("peers that resume, with a %s", { timeout: TIMEOUT_MS }, (kind) => {
  it("lose, repeat and reorder nothing, and tell exactly what a lost session costs, in every program", async () => {
    await expect(playPrograms(kind, await load(kind), { numRuns: RUNS })).resolves.toBeUndefined();
  });

  it("are found to be broken if the server does not end the old connection before it answers", async () => {
    const playing = playPrograms(kind, await load(kind, NO_FENCE), { numRuns: RUNS, endOnFailure: true });
    await expect(playing).rejects.toMatchObject({ cause: { name: "BrokenPromise" } });
  });
});

it("a manager that answers an old attempt, which arrives late, is found to be broken", {
  timeout: TIMEOUT_MS,
}, async () => {
  const playing = playPrograms("manager", await load("manager", NO_ATTEMPTS), { numRuns: RUNS, endOnFailure: true });
  await expect(playing).rejects.toMatchObject({ cause: { name: "BrokenPromise" } });
});
