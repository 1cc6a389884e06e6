import { expect, it } from "vitest";
import { findWrongLoss } from "./loss-check.js";

const loss = { isBusy: false, session: 0, accepted: 10, undelivered: [8, 9], unconfirmed: 3 };

it.each([5, 6, 8])("accepts that 2 of 10 messages are lost and 3 uncertain when %i were taken", (taken) => {
  expect(findWrongLoss(loss, taken)).toBeUndefined();
});

it.each([
  [
    "a message that was taken is called undelivered",
    loss,
    9,
    "message 8 of 10 is called undelivered, and 9 were taken",
  ],
  ["a message that was not taken is neither lost nor uncertain", loss, 4, "5 of 10 are called taken, and 4 were"],
  ["an undelivered message is missing", { ...loss, undelivered: [7, 9] }, 5, "not the last of 10"],
  ["an undelivered message is not the last", { ...loss, undelivered: [7, 8] }, 5, "not the last of 10"],
  [
    "a message was taken of a session that a busy server refused",
    { ...loss, isBusy: true },
    5,
    "and 5 of 10 were taken",
  ],
  ["more are told than were accepted", { ...loss, unconfirmed: 9 }, 5, "9 unconfirmed and 2 undelivered of 10"],
])("names that %s", (_what, told, taken, message) => {
  expect(findWrongLoss(told, taken)).toContain(message);
});
