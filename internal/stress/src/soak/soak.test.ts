import { expect, it } from "vitest";
import { runProgram } from "./run-program.js";
import type { Sample } from "./soak.js";

it("a round of everything leaves no descriptor, timer or file behind", { timeout: 120_000 }, async () => {
  const samples = await runProgram<Sample[]>("soak", "--warm-up", 1, "--rounds", 1);
  const [first, last] = samples;
  expect([first?.rounds, last?.rounds]).toEqual([1, 2]);
  expect(last?.messages).toBeGreaterThan(first?.messages ?? 0);
  expect([last?.footprint.descriptors, last?.footprint.resources, last?.files]).toEqual([
    first?.footprint.descriptors,
    first?.footprint.resources,
    first?.files,
  ]);
});
