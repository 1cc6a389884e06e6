import { relative, sep } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { isFailed } from "./test-report.mjs";

/**
 * One run of the suite. `files` is undefined when the run left no report.
 * @typedef {{ code: number | null, output: string, files: import("./test-report.mjs").TestFile[] | undefined }} Run
 *
 * By title of a test or a file, the first lines of each failure and the numbers of the runs that had it.
 * @typedef {Map<string, Map<string, number[]>>} Flakes
 */

/** Title of failures that belong to no file. */
export const WHOLE_RUN = "the run itself";

const EXCERPT_LINES = 6;
/** The heading of the errors that vitest prints but leaves out of its report; a failure that quotes it has text before it. */
const UNHANDLED = /^\W*Unhandled Errors\W*$/m;

/**
 * Finds each test that did not pass in every run. A test that every run skips is no flake; one that some runs skip is.
 * Files that fail outside their tests count too, and runs without a report or with an unhandled error.
 * @param {string} folder titles name the files relative to it
 * @param {Run[]} runs
 * @returns {Flakes}
 */
export function findFlakes(folder, runs) {
  /** @type {Flakes} */
  const flakes = new Map();
  /** @type {(title: string, index: number, text: string) => void} */
  const add = (title, index, text) => {
    const failures = flakes.get(title) ?? new Map();
    const excerpt = firstLines(text);
    flakes.set(title, failures.set(excerpt, [...(failures.get(excerpt) ?? []), index + 1]));
  };

  for (const [index, run] of runs.entries()) {
    const problem = problemOf(run);
    if (problem !== undefined) add(WHOLE_RUN, index, problem);
    for (const file of run.files ?? []) {
      if (isBroken(file)) add(titleOf(folder, file.name), index, file.message || "failed outside its tests");
    }
  }
  for (const [title, { path, results }] of resultsOf(folder, runs)) {
    const outcomes = runs.map(({ files }, index) => outcomeIn(files, path, results.get(index)));
    if (outcomes.every((outcome) => outcome === "skipped" || outcome === undefined)) continue;
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome !== undefined && outcome !== "passed") add(title, index, outcome);
    }
  }
  return flakes;
}

/**
 * Formats flakes for a terminal, most failures first.
 * @param {Flakes} flakes
 */
export function printable(flakes) {
  const countOf = (/** @type {Map<string, number[]>} */ failures) => [...failures.values()].flat().length;
  return [...flakes]
    .sort(([, one], [, other]) => countOf(other) - countOf(one))
    .flatMap(([title, failures]) => [
      title,
      ...[...failures].map(([text, runs]) => `  run ${runs.join(", ")}: ${text.replaceAll("\n", "\n    ")}`),
    ])
    .join("\n");
}

/**
 * The results of each test, by its title and the index of the run.
 * @param {string} folder
 * @param {Run[]} runs
 */
function resultsOf(folder, runs) {
  /** @type {Map<string, { path: string, results: Map<number, import("./test-report.mjs").Assertion> }>} */
  const tests = new Map();
  for (const [index, { files = [] }] of runs.entries()) {
    for (const file of files) {
      for (const result of file.assertionResults) {
        const name = `${titleOf(folder, file.name)} > ${result.fullName}`;
        // Tests of one file can share a name; they are told apart by their order.
        let title = name;
        for (let at = 2; tests.get(title)?.results.has(index); at += 1) title = `${name} (${at})`;
        const test = tests.get(title) ?? { path: file.name, results: new Map() };
        test.results.set(index, result);
        tests.set(title, test);
      }
    }
  }
  return tests;
}

/**
 * "passed", "skipped" or the text of a failure; undefined when a failure of the file or the run explains the result.
 * @param {Run["files"]} files
 * @param {string} path
 * @param {import("./test-report.mjs").Assertion | undefined} result
 */
function outcomeIn(files, path, result) {
  if (result?.status === "passed") return "passed";
  if (result !== undefined && isFailed(result)) return result.failureMessages[0] ?? "failed without a message";
  const file = files?.find(({ name }) => name === path);
  if (files === undefined || (file !== undefined && isBroken(file))) return undefined;
  return result === undefined ? "missing from the report" : "skipped";
}

/** @param {Run} run */
function problemOf({ code, output, files }) {
  if (files === undefined) return `no report, exit code ${code}\n${lastLines(output)}`;
  if (code === 0) return undefined;
  const unhandled = stripVTControlCharacters(output).search(UNHANDLED);
  if (unhandled >= 0) return stripVTControlCharacters(output).slice(unhandled);
  if (!files.some((file) => file.status === "failed"))
    return `exit code ${code}, but no test failed\n${lastLines(output)}`;
  return undefined;
}

/**
 * True when a file failed outside its tests: while it was loaded, or in a hook.
 * @param {import("./test-report.mjs").TestFile} file
 */
function isBroken(file) {
  return file.status === "failed" && (file.message !== "" || !file.assertionResults.some(isFailed));
}

/**
 * @param {string} folder
 * @param {string} path
 */
function titleOf(folder, path) {
  return relative(folder, path).replaceAll(sep, "/");
}

/** @param {string} text */
function linesOf(text) {
  return stripVTControlCharacters(text)
    .split("\n")
    .filter((line) => line.trim() !== "");
}

/** @param {string} text */
function firstLines(text) {
  return linesOf(text).slice(0, EXCERPT_LINES).join("\n");
}

/** @param {string} text */
function lastLines(text) {
  return linesOf(text)
    .slice(1 - EXCERPT_LINES)
    .join("\n");
}
