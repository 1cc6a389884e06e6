import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { stopClock } from "../../testkit/src/stopped-clock.js";
import { runMutations } from "./fuzz-run.js";
import type { Input } from "./input.js";
import type { Ending } from "./tally.js";

const run = promisify(execFile);
const RUNS = 3_000;

/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;

function endInOrder({ target }: Input): Ending {
  const state = target === "decoder" ? "between frames" : "in order, no message";
  return { target, wire: "plain", state, code: undefined, messages: 0 };
}

it(
  `${RUNS} mutated inputs end as they must, each state by at least one in a hundred`,
  async () => {
    // The script itself, compiled: that is faster by half than through the test runner.
    const program = fileURLToPath(new URL("../dist/fuzz.js", import.meta.url));
    const { stdout } = await run(process.execPath, ["--expose-gc", program, "--runs", String(RUNS)]);
    expect(stdout).toMatch(/\n\nseed 1, runs 3000, .*\n\n3 000 inputs;/);
  },
  TIMEOUT_MS,
);

it("gives the same endings for the same seed", async () => {
  const [once, again] = [await runMutations({ seed: 5, runs: 300 }), await runMutations({ seed: 5, runs: 300 })];
  expect(once.describe()).toBe(again.describe());
});

it("reports an input that ends wrongly with its seed and the command that replays it", async () => {
  const feed = (input: Input): Ending => {
    if (input.seed === 77) throw new Error("altered");
    return endInOrder(input);
  };
  const message = /^seed 77 \(\w+, \w+, .*\): altered\nreplay: npm run fuzz -- --seed 77$/;
  await expect(runMutations({ seed: 1, runs: 200, feed })).rejects.toThrow(message);
});

it("rejects an ending in an unknown state", async () => {
  const feed = (input: Input): Ending => ({ ...endInOrder(input), state: "asleep" });
  await expect(runMutations({ seed: 9, runs: 1, feed })).rejects.toThrow("seed 9 ended in an unknown state");
});

it("reports an input that never ends with the waits that are pending", async () => {
  const pass = stopClock();
  const running = runMutations({
    seed: 1,
    runs: 64,
    feed: (input, waits) =>
      input.seed === 3 ? waits.track("the reads", new Promise<Ending>(() => {})) : endInOrder(input),
  });
  pass(10_000);
  await expect(running).rejects.toThrow(/^seed 3 .* waits for the reads\nreplay: npm run fuzz -- --seed 3$/);
});

it("names the states in which too few inputs end", async () => {
  const tally = await runMutations({ seed: 1, runs: 100, feed: endInOrder });
  expect(tally.statesUnder(0.01)).toContain("server: a later frame");
  expect(tally.statesUnder(0.01)).not.toContain("decoder: between frames");
});

afterEach(() => expect(process.listenerCount("uncaughtExceptionMonitor")).toBe(0));
