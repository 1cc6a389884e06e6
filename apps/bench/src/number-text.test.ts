import { expect, it, test } from "vitest";
import { clientsText, grouped, short, sizeText, spread } from "./number-text.js";

test("three digits are shown, with a letter for thousands and millions", () => {
  expect([0.4321, 12.34, 999, 1_234, 98_500, 1_336_000].map(short)).toEqual([
    "0.43",
    "12.3",
    "999",
    "1.23 k",
    "98.5 k",
    "1.34 M",
  ]);
});

test("sizes are shown in the largest unit that fits", () => {
  expect([64, 1_024, 65_536, 1_048_576].map(sizeText)).toEqual(["64 B", "1 KiB", "64 KiB", "1 MiB"]);
  expect([0, 1_000, 1_234_567.8].map(grouped)).toEqual(["0", "1 000", "1 234 568"]);
});

test("one client is no clients", () => {
  expect([1, 10, 1_000].map(clientsText)).toEqual(["1 client", "10 clients", "1 000 clients"]);
});

it("a spread is the median between the least and the greatest, whatever their order, and nothing of nothing", () => {
  expect(spread([3, 1, 2])).toBe("2.00 (1.00 … 3.00)");
  expect(spread([3, 1, 2, 9])).toBe("2.50 (1.00 … 9.00)");
  expect([spread([7]), spread([])]).toEqual(["7.00", ""]);
});
