import { expect, it } from "vitest";
import { runComeAndGo } from "./come-and-go.js";

const CLIENTS = 100;

it(`${CLIENTS} clients connect, echo and close, half of them at slots of their own, and leave nothing behind`, {
  timeout: 120_000,
}, async () => {
  const report = await runComeAndGo({ clients: CLIENTS, encryption: true });
  const { echoes, connections, disconnections, before, after } = report;
  expect([echoes, connections, disconnections]).toEqual([CLIENTS, CLIENTS, CLIENTS]);
  expect([after.descriptors, after.resources]).toEqual([before.descriptors, before.resources]);
  expect([report.filesAfter, report.filesAtTheEnd]).toEqual([report.filesBefore, []]);
});
