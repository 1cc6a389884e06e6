import { expect, it } from "vitest";
import type { CycleReport } from "./connect-cycles.js";
import { runProgram } from "./run-program.js";

const CYCLES = 30;

it(`${CYCLES} cycles of connect, echo and close leave no descriptor and no handle behind`, async () => {
  const report = await runProgram<CycleReport>("connect-cycles", CYCLES);
  expect(report.echoes).toBe(CYCLES);
  expect(report.after.descriptors).toBe(report.before.descriptors);
  expect(report.after.resources).toEqual(report.before.resources);
});
