import { expect, it } from "vitest";
import type { ManyClientsReport } from "./many-clients.js";
import { runProgram } from "./run-program.js";

const CLIENTS = 100;
const PROCESSES = 2;
const KIB = 1_024;

it(`${CLIENTS} encrypted clients at once, in processes of their own, all echo, and cost 24 KiB of heap each at the most`, {
  timeout: 120_000,
}, async () => {
  const report = await runProgram<ManyClientsReport>("many-clients", CLIENTS, true, PROCESSES);
  const { clients, echoes, before, connected, echoed, after } = report;
  expect([clients, echoes]).toEqual([CLIENTS, 3 * CLIENTS]);
  expect((connected.heapUsed - before.heapUsed) / CLIENTS).toBeLessThan(24 * KIB);
  expect((echoed.heapUsed - before.heapUsed) / CLIENTS).toBeLessThan(24 * KIB);
  expect([after.descriptors, after.resources]).toEqual([before.descriptors, before.resources]);
});
