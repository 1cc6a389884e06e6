import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { FAULTS } from "./fault-plan.js";
import { runFaults } from "./fault-run.js";

const RUNS = 50;

/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;

it(`${RUNS} conversations through the proxy keep every promise`, { timeout: TIMEOUT_MS }, async () => {
  const tally = await runFaults({ seed: 1, runs: RUNS });
  expect(tally.runs).toBe(RUNS);
  expect([...tally.faults].sort()).toEqual([...FAULTS].sort());
});

describe("a run that fails is told with its seed and what replays it", () => {
  /** A program for both processes, which does `then` when it is told to start. */
  function program(then: string): string {
    const path = join(temporaryDirectory(), "peer.mjs");
    writeFileSync(
      path,
      `process.on("message", ({ kind }) => {
        if (kind === "waits") process.send({ kind, names: ["a wait"] });
        if (kind === "start") { ${then} }
      });
      process.send({ kind: "ready" });`,
    );
    return path;
  }
  const started = 'process.send({ kind: "started", address: "127.0.0.1:1" });';

  it.each([
    ["a crash", "throw new Error('on its own')", /^seed 7: the \w+'s process ended with 1:\n.*on its own/s],
    ["an end of the process", "process.exit(3)", /^seed 7: the \w+'s process ended with 3:\n/],
    ["an altered message", 'process.send({ kind: "broken", message: "altered" })', /^seed 7: the \w+: altered\n/],
    [
      "a hang",
      started,
      /^seed 7: hangs: the client waits for a wait; the server waits for a wait; faults so far: none/,
    ],
  ])("%s", async (_what, then, says) => {
    const running = runFaults({ seed: 7, runs: 1, lanes: { program: program(then), watchdogMs: 100 } });
    await expect(running).rejects.toThrow(says);
    await expect(running).rejects.toThrow(/\nreplay: npm run faults -- --seed 7$/);
  });
});
