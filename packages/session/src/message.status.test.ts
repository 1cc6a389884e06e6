import { expect, test } from "vitest";
import { type Status, statusCode } from "./message.js";

test("statuses have the words and numbers of golang-ipc", () => {
  const inOrder: readonly Status[] = [
    "Not Connected",
    "Listening",
    "Connecting",
    "Connected",
    "Reconnecting",
    "Closed",
    "Closing",
    "Error",
    "Timeout",
    "Disconnected",
  ];
  expect(inOrder.map(statusCode)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
