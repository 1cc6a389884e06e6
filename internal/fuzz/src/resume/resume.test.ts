import { describe, expect, it } from "vitest";
import { load, playPrograms } from "../../test/play-programs.js";
import { BrokenPromise } from "./ledger.js";
import { HELD_CONNECTION, LATE_HANDSHAKES } from "./program.js";
import type { HostKind } from "./resume-host.js";
import { ENDED_WHOLE } from "./resume-peers.js";

/** The same ones in each run, because the seed is fixed. `npm run test:world` plays more, and others each time. */
const RUNS = 24;
/** Some seconds; much longer while the machine is busy. */
const TIMEOUT_MS = 300_000;

const NO_FENCE = { package: "session", code: "session.owner.fence();", instead: "" } as const;
const NO_ATTEMPTS = { package: "session", code: "if (attempt <= session.attempt)", instead: "if (false)" } as const;

describe.each<HostKind>(["server", "manager"])("peers that resume, with a %s", { timeout: TIMEOUT_MS }, (kind) => {
  it("lose, repeat and reorder nothing, and tell exactly what a lost session costs, in every program", async () => {
    await expect(playPrograms(kind, { numRuns: RUNS })).resolves.toBeUndefined();
  });

  it("are found to be broken if the server does not end the old connection before it answers", async () => {
    const play = await load(kind, NO_FENCE);
    await expect(play(HELD_CONNECTION)).rejects.toEqual(new BrokenPromise(ENDED_WHOLE));
  });
});

it("a manager that answers an old attempt, which arrives late, is found to be broken", {
  timeout: TIMEOUT_MS,
}, async () => {
  const play = await load("manager", NO_ATTEMPTS);
  await expect(play(LATE_HANDSHAKES)).rejects.toEqual(new BrokenPromise(ENDED_WHOLE));
});
