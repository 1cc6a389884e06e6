import { expect, it } from "vitest";
import { readOptions } from "./options.js";

const DEFAULTS = { seed: 1, runs: 1_000 };

it("takes the defaults when no option is given", () => {
  expect(readOptions([], DEFAULTS)).toEqual({ values: { seed: 1, runs: 1_000 }, record: false });
  expect(readOptions(["--record"], DEFAULTS)).toEqual({ values: { seed: 1, runs: 1_000 }, record: true });
});

it("plays one run when a seed is given, or the number of runs that is given", () => {
  expect(readOptions(["--seed", "17"], DEFAULTS).values).toEqual({ seed: 17, runs: 1 });
  expect(readOptions(["--seed", "17", "--runs", "5"], DEFAULTS).values).toEqual({ seed: 17, runs: 5 });
  expect(readOptions(["--runs", "5"], DEFAULTS).values).toEqual({ seed: 1, runs: 5 });
});

it.each(["x", "0", "-1", "1.5", "1234567890"])("rejects %s as a number", (text) => {
  expect(() => readOptions([`--seed=${text}`], DEFAULTS)).toThrow(
    `--seed: takes a whole number of 1 … 999999999, got ${text}`,
  );
});

it("rejects an option that the scenario does not have", () => {
  expect(() => readOptions(["--minutes", "1"], DEFAULTS)).toThrow("--minutes");
});
