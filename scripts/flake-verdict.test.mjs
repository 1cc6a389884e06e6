import { describe, expect, it } from "vitest";
import { findFlakes, printable, WHOLE_RUN } from "./flake-verdict.mjs";

const FILE = "/project/src/a.test.ts";

/** @param {Record<string, string>} outcomes by test; anything but "passed" and "skipped" is the message of a failure */
function testsOf(outcomes) {
  return Object.entries(outcomes).map(([fullName, outcome]) => test(fullName, outcome));
}

/** @type {(fullName: string, outcome: string) => import("./test-report.mjs").Assertion} */
function test(fullName, outcome) {
  if (outcome === "passed" || outcome === "skipped") return { fullName, status: outcome, failureMessages: [] };
  return { fullName, status: "failed", failureMessages: [outcome] };
}

/**
 * @param {import("./test-report.mjs").Assertion[]} assertionResults
 * @param {string} [message] of a failure outside the tests
 * @returns {import("./flake-verdict.mjs").Run}
 */
function run(assertionResults, message = "") {
  const isWell = message === "" && assertionResults.every(({ status }) => status !== "failed");
  const file = { name: FILE, status: isWell ? "passed" : "failed", message, assertionResults };
  return { code: isWell ? 0 : 1, output: "", files: [file] };
}

/** @param {import("./flake-verdict.mjs").Run[]} runs */
function flakesOf(...runs) {
  return Object.fromEntries(
    [...findFlakes("/project", runs)].map(([title, texts]) => [title, Object.fromEntries(texts)]),
  );
}

describe("findFlakes", () => {
  it("finds nothing when each test passes in every run", () => {
    expect(flakesOf(run(testsOf({ x: "passed" })), run(testsOf({ x: "passed" })))).toEqual({});
  });

  it("finds a test that fails in some runs, with the runs of each message", () => {
    const outcomes = ["late", "passed", "early", "late"];
    const runs = outcomes.map((x) => run(testsOf({ x, y: "passed" })));
    expect(flakesOf(...runs)).toEqual({ "src/a.test.ts > x": { late: [1, 4], early: [3] } });
  });

  it("finds a test that fails in every run", () => {
    expect(flakesOf(run(testsOf({ x: "late" })))).toEqual({ "src/a.test.ts > x": { late: [1] } });
  });

  it("keeps the first lines of a message, without colours and empty lines", () => {
    const lines = ["\u001b[31m1\u001b[39m", "", "2", "3", "4", "5", "6", "7"].join("\n");
    expect(flakesOf(run(testsOf({ x: lines })))).toEqual({ "src/a.test.ts > x": { "1\n2\n3\n4\n5\n6": [1] } });
  });

  it("accepts a test that every run skips", () => {
    expect(flakesOf(run(testsOf({ x: "skipped" })), run(testsOf({ x: "skipped" })))).toEqual({});
  });

  it("finds a test that some runs skip", () => {
    const runs = [run(testsOf({ x: "passed" })), run(testsOf({ x: "skipped" }))];
    expect(flakesOf(...runs)).toEqual({ "src/a.test.ts > x": { skipped: [2] } });
  });

  it("finds a test that some runs do not report", () => {
    const runs = [run(testsOf({ x: "passed", y: "passed" })), run(testsOf({ y: "passed" }))];
    expect(flakesOf(...runs)).toEqual({ "src/a.test.ts > x": { "missing from the report": [2] } });
  });

  it("tells tests of the same name apart", () => {
    const runs = ["passed", "late"].map((second) => run([test("x", "passed"), test("x", second)]));
    expect(flakesOf(...runs)).toEqual({ "src/a.test.ts > x (2)": { late: [2] } });
  });

  it("finds a file that fails before its first test, and not the tests that it hides", () => {
    const runs = [run(testsOf({ x: "passed" })), run([], "Cannot find module")];
    expect(flakesOf(...runs)).toEqual({ "src/a.test.ts": { "Cannot find module": [2] } });
  });

  it("finds a file whose hook fails, and not the tests that it skips", () => {
    const broken = { ...run(testsOf({ x: "skipped" })), code: 1 };
    const [file] = broken.files ?? [];
    const runs = [run(testsOf({ x: "passed" })), { ...broken, files: file && [{ ...file, status: "failed" }] }];
    expect(flakesOf(...runs)).toEqual({ "src/a.test.ts": { "failed outside its tests": [2] } });
  });

  it("finds a run without a report, with the end of its output", () => {
    const output = "1\n2\n3\n4\n5\n6\n";
    const runs = [run(testsOf({ x: "passed" })), { code: null, output, files: undefined }];
    expect(flakesOf(...runs)).toEqual({ [WHOLE_RUN]: { "no report, exit code null\n2\n3\n4\n5\n6": [2] } });
  });

  it("finds an unhandled error beside passed and beside failed tests", () => {
    const output = "many lines\n--- Unhandled Errors ---\nError: boom\n";
    const runs = ["passed", "late"].map((x) => ({ ...run(testsOf({ x })), code: 1, output }));
    expect(flakesOf(...runs)).toEqual({
      [WHOLE_RUN]: { "--- Unhandled Errors ---\nError: boom": [1, 2] },
      "src/a.test.ts > x": { late: [2] },
    });
  });

  it("finds a run that fails without a failed test", () => {
    const runs = [{ ...run(testsOf({ x: "passed" })), code: 7, output: "killed\n" }];
    expect(flakesOf(...runs)).toEqual({ [WHOLE_RUN]: { "exit code 7, but no test failed\nkilled": [1] } });
  });
});

it("prints the most frequent flake first, each message with its runs", () => {
  const runs = ["passed", "late", "early"].map((y) => run(testsOf({ x: y === "late" ? "a\nb" : "passed", y })));
  expect(printable(findFlakes("/project", runs)).split("\n")).toEqual([
    "src/a.test.ts > y",
    "  run 2: late",
    "  run 3: early",
    "src/a.test.ts > x",
    "  run 2: a",
    "    b",
  ]);
});
