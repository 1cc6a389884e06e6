import { expect, it } from "vitest";
import { BUDGET_BYTES } from "./kill-run.js";
import { stopAndContinue } from "./stop-run.js";

/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;

it.each([
  [4, "secure", true],
  [2, "plain", false],
])(
  "writes to a stopped process wait, and all arrive once it is continued: %i stops, %s",
  {
    timeout: TIMEOUT_MS,
  },
  async (stops, _wire, encryption) => {
    const { client, server, maxQueuedBytes } = await stopAndContinue({ encryption, stops });
    expect(maxQueuedBytes).toBeGreaterThanOrEqual(BUDGET_BYTES);
    expect([client.codes, server.codes]).toEqual([{}, {}]);
  },
);
