import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../testkit/src/eventually.js";
import { failureOf } from "../../../testkit/src/peer-watch.js";
import { stopClock } from "../../../testkit/src/stopped-clock.js";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.js";
import { FAULTS } from "./fault-plan.js";
import { runFaults } from "./fault-run.js";

const RUNS = 20;

/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;

it(`${RUNS} conversations through the proxy keep every promise`, { timeout: TIMEOUT_MS }, async () => {
  const tally = await runFaults({ seed: 1, runs: RUNS });
  expect(tally.runs).toBe(RUNS);
  expect([...tally.faults].sort()).toEqual([...FAULTS].sort());
});

describe("a run that fails reports its seed and the command that replays it", () => {
  /** A program for both processes, which does `then` when it is told to start. */
  function program(then: string): string {
    const path = join(temporaryDirectory(), "peer.mjs");
    writeFileSync(
      path,
      `import { writeFileSync } from "node:fs";
      const [, , side] = process.argv;
      process.on("message", ({ id, name }) => {
        if (name === "waits") process.send({ kind: "result", id, result: ["a wait"] });
        if (name === "start") { ${then} }
      });
      process.send({ kind: "ready" });`,
    );
    return pathToFileURL(path).href;
  }

  it.each([
    ["crashes", "throw new Error('on its own')", /^seed 7: \S+ \w+: its process ended with 1:\n.*on its own/s],
    ["ends", "process.exit(3)", /^seed 7: \S+ \w+: its process ended with 3:\n/],
    ["is broken", 'process.send({ kind: "broken", message: "altered" })', /^seed 7: \S+ \w+: altered\n/],
  ])("when a process %s", async (_what, then, says) => {
    const running = runFaults({ seed: 7, runs: 1, program: program(then) });
    await expect(running).rejects.toThrow(says);
    await expect(running).rejects.toThrow(/\nreplay: npm run stress -- network --seed 7$/);
  });

  it("when a process hangs", async () => {
    const pass = stopClock();
    const startedFile = join(temporaryDirectory(), "started-");
    const start = `process.send({ kind: "news", news: { kind: "listening", address: "127.0.0.1:1" } });
      writeFileSync(${JSON.stringify(startedFile)} + side, "");`;
    const failure = failureOf(runFaults({ seed: 7, runs: 1, program: program(start) }));
    // The client is started last: from then on nothing follows.
    await eventually(() => expect(existsSync(`${startedFile}client`)).toBe(true));
    pass(20_000);
    expect((await failure).message).toMatch(
      /^seed 7: hangs: the client waits for a wait; the server waits for a wait; faults so far: none.*\nreplay: npm run stress -- network --seed 7$/,
    );
  });
});
