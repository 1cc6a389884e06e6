import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { CycleReport } from "./connect-cycles.js";

const run = promisify(execFile);
const CYCLES = 100;
const MIB = 1_048_576;

it(`${CYCLES} cycles of connect, echo and close leave no descriptor, handle or memory behind`, async () => {
  const program = fileURLToPath(new URL("../dist/connect-cycles.js", import.meta.url));
  const { stdout } = await run(process.execPath, ["--expose-gc", program, String(CYCLES)]);
  const report = JSON.parse(stdout) as CycleReport;
  expect(report.echoes).toBe(CYCLES);
  expect(report.after.descriptors).toBe(report.before.descriptors);
  expect(report.after.resources).toEqual(report.before.resources);
  expect(report.heapGrowth).toBeLessThan(MIB);
});
