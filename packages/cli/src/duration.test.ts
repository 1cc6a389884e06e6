import { expect, it } from "vitest";
import { formatDuration, parseDuration } from "./duration.js";

it.each([
  ["1ms", 1],
  ["250ms", 250],
  ["1.5s", 1_500],
  ["2m", 120_000],
  ["2147483647ms", 2_147_483_647],
])("reads %s as %i ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(["", "5", "0ms", "0.1ms", "-1s", "1h", "1s ", "1e3s", "2147483648ms", "99999999999999999999s"])(
  "rejects %j and names what it takes",
  (text) => {
    expect(() => parseDuration(text)).toThrow(
      `takes a duration from 1ms to 2147483647ms, such as 250ms, 1.5s or 2m, got ${JSON.stringify(text)}`,
    );
  },
);

it.each([
  [0.0352, "35.2 µs"],
  [12.44, "12.4 ms"],
  [3_200, "3.20 s"],
  [999.4, "999 ms"],
  [999.5, "1.00 s"],
  [0.9994, "999 µs"],
  [0.9995, "1.00 ms"],
])("formats %d ms as %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
