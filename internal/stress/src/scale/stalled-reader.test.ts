import { expect, it } from "vitest";
import { runStalledReader } from "./stalled-reader.js";

const CLIENTS = 50;
const MESSAGES = 500;
const CONNECTION_BYTES = 65_536;
const TOTAL_BYTES = 1_048_576;

/** A message of 64 bytes on the wire, and as it is charged while it is unread. */
const QUEUED_BYTES = 64 + 8;
const UNREAD_BYTES = 64 + 160;

it(`a client of ${CLIENTS} that stops reading holds its budget and a message, all hold theirs, and the others are served`, {
  timeout: 120_000,
}, async () => {
  const budgets = { connectionBytes: CONNECTION_BYTES, totalBytes: TOTAL_BYTES };
  const order = { clients: CLIENTS, encryption: false, pairs: 1, messages: MESSAGES, budgets };
  const report = await runStalledReader(order);
  const { peak, pairs, stalledToTheEnd } = report;
  expect([pairs.length, stalledToTheEnd]).toEqual([1, true]);
  expect(peak.queuedBytes).toBeGreaterThanOrEqual(CONNECTION_BYTES);
  expect(peak.queuedBytes).toBeLessThanOrEqual(CONNECTION_BYTES + QUEUED_BYTES);
  expect(peak.unreadBytes).toBeLessThanOrEqual(CONNECTION_BYTES + UNREAD_BYTES);
  // A connection that holds nothing may always take one message, also when the total budget is used up.
  expect(peak.totalQueuedBytes).toBeLessThanOrEqual(TOTAL_BYTES + CLIENTS * QUEUED_BYTES);
  expect(peak.totalUnreadBytes).toBeLessThanOrEqual(TOTAL_BYTES + CLIENTS * UNREAD_BYTES);
});
