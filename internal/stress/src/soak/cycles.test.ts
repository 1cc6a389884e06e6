import { expect, it } from "vitest";
import { runCycles } from "./cycles.js";

const CYCLES = 30;

it(`leaves no descriptor and no handle behind after ${CYCLES} cycles of connect, echo and close`, async () => {
  const { echoes, before, after } = await runCycles(CYCLES);
  expect(echoes).toBe(CYCLES);
  expect([after.descriptors, after.resources]).toEqual([before.descriptors, before.resources]);
});
