import { expect, it } from "vitest";
import { findWrongLoss } from "./loss-check.js";

const loss = { isBusy: false, session: 0, accepted: 10, undelivered: [8, 9], unconfirmed: 3, awayFrom: 9 };
const everythingUncertain = { ...loss, undelivered: [], unconfirmed: 10 };

it.each([5, 6, 8])("accepts that 2 of 10 messages are lost and 3 uncertain when %i were taken", (taken) => {
  expect(findWrongLoss(loss, { taken, isProved: false })).toBeUndefined();
});

it("accepts that everything is uncertain when a connection was there for it, and nothing is proved", () => {
  expect(findWrongLoss({ ...everythingUncertain, awayFrom: 10 }, { taken: 8, isProved: false })).toBeUndefined();
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
  [
    "a message that had no connection is called uncertain",
    { ...loss, awayFrom: 7 },
    5,
    "message 7 of 10 had no connection, and 8 may have arrived",
  ],
  [
    "everything is called uncertain, and the last message had no connection",
    everythingUncertain,
    8,
    "message 9 of 10 had no connection, and 10 may have arrived",
  ],
])("names that %s", (_what, told, taken, message) => {
  expect(findWrongLoss(told, { taken, isProved: false })).toContain(message);
});

it.each([
  ["all but the taken ones", loss, 6, "8 of 10 are proved to have arrived, and 6 were taken"],
  ["everything", { ...everythingUncertain, awayFrom: 10 }, 8, "10 of 10 are proved to have arrived, and 8 were taken"],
])("names that %s is called uncertain although it is proved what arrived", (_what, told, taken, message) => {
  expect(findWrongLoss(told, { taken, isProved: true })).toContain(message);
});

it("accepts a proved count when just the messages within it were taken", () => {
  expect(findWrongLoss(loss, { taken: 8, isProved: true })).toBeUndefined();
});
