import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { failureOf } from "../../testkit/src/peer-watch.js";
import { stopClock } from "../../testkit/src/stopped-clock.js";
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
      `import { writeFileSync } from "node:fs";
      const [, , side] = process.argv;
      process.on("message", ({ kind }) => {
        if (kind === "waits") process.send({ kind, names: ["a wait"] });
        if (kind === "start") { ${then} }
      });
      process.send({ kind: "ready" });`,
    );
    return path;
  }
  it.each([
    ["a crash", "throw new Error('on its own')", /^seed 7: the \w+'s process ended with 1:\n.*on its own/s],
    ["an end of the process", "process.exit(3)", /^seed 7: the \w+'s process ended with 3:\n/],
    ["an altered message", 'process.send({ kind: "broken", message: "altered" })', /^seed 7: the \w+: altered\n/],
  ])("%s", async (_what, then, says) => {
    const running = runFaults({ seed: 7, runs: 1, program: program(then) });
    await expect(running).rejects.toThrow(says);
    await expect(running).rejects.toThrow(/\nreplay: npm run faults -- --seed 7$/);
  });

  it("a hang", async () => {
    const pass = stopClock();
    const startedFile = join(temporaryDirectory(), "started-");
    const start = `process.send({ kind: "started", address: "127.0.0.1:1" });
      writeFileSync(${JSON.stringify(startedFile)} + side, "");`;
    const failure = failureOf(runFaults({ seed: 7, runs: 1, program: program(start) }));
    // The client is started last: from then on nothing follows.
    await eventually(() => expect(existsSync(`${startedFile}client`)).toBe(true));
    pass(20_000);
    expect((await failure).message).toMatch(
      /^seed 7: hangs: the client waits for a wait; the server waits for a wait; faults so far: none.*\nreplay: npm run faults -- --seed 7$/,
    );
  });
});
