import { expect, it } from "vitest";
import type { ManyClientsReport } from "./many-clients.js";
import { runProgram } from "./run-program.js";

const CLIENTS = 60;
const PROCESSES = 2;

it(`${CLIENTS} encrypted clients at once, in processes of their own, all echo, and leave nothing behind`, {
  timeout: 120_000,
}, async () => {
  const report = await runProgram<ManyClientsReport>("many-clients", CLIENTS, true, PROCESSES);
  const { clients, echoes, before, after } = report;
  expect([clients, echoes]).toEqual([CLIENTS, 3 * CLIENTS]);
  expect([after.descriptors, after.resources]).toEqual([before.descriptors, before.resources]);
});
