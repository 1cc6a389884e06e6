import { describe, expect, it } from "vitest";
import { countThroughCuts } from "./cut-run.js";
import { killCounters, stopCounters } from "./loss-run.js";

/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;

describe("two processes that resume their session", { timeout: TIMEOUT_MS }, () => {
  it("take each message once and in order when their connection is cut soon after each handshake", async () => {
    const { cuts, client, server } = await countThroughCuts({ messages: 5_000, bytes: 64, seed: 1 });
    expect(cuts).toBeGreaterThan(1);
    expect([client.taken, server.taken]).toEqual([5_000, 5_000]);
  });

  it.each(["server", "client"] as const)("are told exactly what did not arrive when the %s is killed", async (side) => {
    const { losses, undelivered } = await killCounters(side, 1);
    expect(losses).toBe(1);
    expect(undelivered).toBeGreaterThan(0);
  });

  it.each(["server", "client"] as const)(
    "are both told exactly what did not arrive when the %s was stopped until the session had expired",
    async (side) => {
      const { losses, undelivered } = await stopCounters(side, 1);
      expect(losses).toBe(2);
      expect(undelivered).toBeGreaterThan(0);
    },
  );
});
