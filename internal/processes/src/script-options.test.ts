import { expect, test } from "vitest";
import { readScriptOptions } from "./script-options.js";

test("runs as often as it is told, and keeps its figures to itself unless it is asked to record them", () => {
  expect(readScriptOptions([], 200)).toEqual({ runs: 200, record: false });
  expect(readScriptOptions(["--runs", "5", "--record"], 200)).toEqual({ runs: 5, record: true });
});

test("refuses what it does not understand", () => {
  expect(() => readScriptOptions(["--runs", "0"], 200)).toThrow("--runs: takes a whole number of 1 … 999999, got 0");
  expect(() => readScriptOptions(["--seed", "1"], 200)).toThrow("--seed");
});
