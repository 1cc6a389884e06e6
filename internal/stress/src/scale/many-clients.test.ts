import { expect, it } from "vitest";
import { runManyClients } from "./many-clients.js";

const CLIENTS = 60;
const PROCESSES = 2;

it(`${CLIENTS} encrypted clients at once, in processes of their own, all echo, and leave nothing behind`, {
  timeout: 120_000,
}, async () => {
  const order = { clients: CLIENTS, encryption: true, processes: PROCESSES, reader: "listener" } as const;
  const report = await runManyClients(order);
  const { clients, echoes, before, after } = report;
  expect([clients, echoes]).toEqual([CLIENTS, 3 * CLIENTS]);
  expect([after.descriptors, after.resources]).toEqual([before.descriptors, before.resources]);
});
