import { expect, it } from "vitest";
import { closeUnderLoad } from "./close-under-load.js";

const CLIENTS = 50;
/** A connection whose queue is full queues so much at the least. */
const CONNECTION_BYTES = 65_536;

it(`a server that closes under load delivers to each of ${CLIENTS} clients what was accepted, and leaves nothing behind`, {
  timeout: 120_000,
}, async () => {
  const report = await closeUnderLoad({ clients: CLIENTS, encryption: false });
  const { closeError, clientsShort, accepted, received, before, after, filesAtTheEnd } = report;
  expect(closeError).toBeUndefined();
  expect(report.queuedBytes).toBeGreaterThanOrEqual(CLIENTS * CONNECTION_BYTES);
  expect([clientsShort, received]).toEqual([0, accepted]);
  expect([after.descriptors, after.resources, filesAtTheEnd]).toEqual([before.descriptors, before.resources, []]);
});
