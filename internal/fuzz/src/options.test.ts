import { expect, test } from "vitest";
import { readRunOptions } from "./run-options.js";

test("runs all seeds from 1 on when nothing is asked for", () => {
  expect(readRunOptions([], 1_000)).toEqual({ seed: 1, runs: 1_000, record: false });
  expect(readRunOptions(["--record"], 1_000)).toEqual({ seed: 1, runs: 1_000, record: true });
});

test("replays one seed, or as many as it is told from there", () => {
  expect(readRunOptions(["--seed", "17"], 1_000)).toMatchObject({ seed: 17, runs: 1 });
  expect(readRunOptions(["--seed", "17", "--runs", "5"], 1_000)).toMatchObject({ seed: 17, runs: 5 });
  expect(readRunOptions(["--runs", "5"], 1_000)).toMatchObject({ seed: 1, runs: 5 });
});

test("refuses what it does not understand", () => {
  expect(() => readRunOptions(["--seed", "x"], 1)).toThrow("--seed: takes a whole number of 0 … 999999999, got x");
  expect(() => readRunOptions(["--seeds", "1"], 1)).toThrow("--seeds");
});
