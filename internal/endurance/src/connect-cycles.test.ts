import { expect, it } from "vitest";
import type { CycleReport } from "./connect-cycles.js";
import { runProgram } from "./run-program.js";

const CYCLES = 100;
const MIB = 1_048_576;

it(`${CYCLES} cycles of connect, echo and close leave no descriptor, handle or memory behind`, async () => {
  const report = await runProgram<CycleReport>("connect-cycles", CYCLES);
  expect(report.echoes).toBe(CYCLES);
  expect(report.after.descriptors).toBe(report.before.descriptors);
  expect(report.after.resources).toEqual(report.before.resources);
  expect(report.heapGrowth).toBeLessThan(MIB);
});
