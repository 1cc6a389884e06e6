import { expect, it } from "vitest";
import { flakeOptions } from "./flake-options.mjs";

it("runs ten times without load by default", () => {
  expect(flakeOptions([])).toEqual({ runs: 10, load: false });
});

it("takes a number of runs and --load", () => {
  expect(flakeOptions(["--runs", "3", "--load"])).toEqual({ runs: 3, load: true });
});

it.each(["0", "-1", "2.5", "many", "", "100000"])("rejects --runs=%s and names the range", (runs) => {
  expect(() => flakeOptions([`--runs=${runs}`])).toThrow(`--runs must be an integer from 1 to 99999, got "${runs}"`);
});

it.each([["--run", "3"], ["3"], ["--load=yes"], ["--runs"]])("rejects %s with the usage", (...args) => {
  expect(() => flakeOptions(args)).toThrow("usage: npm run flakes -- [--runs N] [--load]");
});
