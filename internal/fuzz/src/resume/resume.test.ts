import { describe, expect, it } from "vitest";
import { load, playPrograms } from "../../test/play-programs.js";
import type { HostKind } from "./resume-host.js";

/** Enough for the mutants below. `npm run test:world` plays more. */
const RUNS = 24;
/** Some seconds; much longer while the machine is busy. */
const TIMEOUT_MS = 300_000;

const NO_FENCE = { package: "session", code: "session.owner.fence();", instead: "" } as const;
const NO_ATTEMPTS = { package: "session", code: "if (attempt <= session.attempt)", instead: "if (false)" } as const;

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
