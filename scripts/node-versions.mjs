// Runs every test on the oldest Node.js that `engines` allows, and on the newest of each later line; exits 1 where one fails.
// The binaries are packages of npm. usage: node scripts/node-versions.mjs [--record] [RANGE...]
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "./section.mjs";
import { countTests } from "./test-report.mjs";

const RANGES = ["20.19.0", "22", "24", "26"];
const DOCUMENT = join(ROOT, "docs", "NODE.md");
const BEGIN = "<!-- results -->\n";
const END = "<!-- end of results -->\n";
const OUTPUT_BYTES = 67_108_864;

const run = promisify(execFile);
const PACKAGE = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;

/** @typedef {{ version: string, passed: number, failed: number, skipped: string[] }} Result */

/**
 * The newest version of a range.
 * @param {string} range
 * @returns {Promise<string>}
 */
async function newestOf(range) {
  const { stdout } = await run("npm", ["view", `${PACKAGE}@${range}`, "version", "--json"]);
  /** @type {string | string[]} */
  const found = JSON.parse(stdout);
  const byNumber = new Intl.Collator("en", { numeric: true });
  const newest = [found].flat().sort(byNumber.compare).at(-1);
  if (newest === undefined) throw new Error(`npm has no ${PACKAGE}@${range}`);
  return newest;
}

/**
 * Runs the tests as they are built, on that Node.js; what they start as `node` is the same one.
 * @param {string} version
 * @returns {Promise<Result>}
 */
async function testOn(version) {
  const folder = await mkdtemp(join(tmpdir(), "ipc-node-"));
  try {
    // Some tests start it as another user.
    await chmod(folder, 0o755);
    await run("npm", [
      "install",
      "--prefix",
      folder,
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      `${PACKAGE}@${version}`,
    ]);
    const bin = join(folder, "node_modules", PACKAGE, "bin");
    const report = join(ROOT, "reports", `node-${version}.json`);
    const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
    const args = [vitest, "run", "--reporter=json", `--outputFile=${report}`];
    const env = { ...process.env, PATH: `${bin}${delimiter}${process.env["PATH"]}` };
    const options = { cwd: ROOT, env, maxBuffer: OUTPUT_BYTES };
    const isWell = await run(join(bin, "node"), args, options).then(
      () => true,
      () => false,
    );
    const { passed, failed, skipped } = countTests(report);
    // An error that no test caught is in no report.
    return { version, passed, failed: isWell ? failed : Math.max(failed, 1), skipped };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {Result[]} results */
async function record(results) {
  const document = await readFile(DOCUMENT, "utf8");
  const [before, after] = [document.indexOf(BEGIN) + BEGIN.length, document.indexOf(END)];
  // What was not run now stays as it was written.
  const lines = document.slice(before, after).match(/^\| \d.*\n/gm) ?? [];
  const rows = new Map(lines.map((line) => [/\d+/.exec(line)?.[0], line]));
  for (const { version, passed, failed, skipped } of results) {
    rows.set(/\d+/.exec(version)?.[0], `| ${version} | ${passed} | ${failed} | ${skipped.length} |\n`);
  }
  const day = new Date().toISOString().slice(0, 10);
  const where = `${day}, ${process.platform} ${process.arch}.`;
  const table = `${where}\n\n| Node.js | passed | failed | skipped |\n| --- | ---: | ---: | ---: |\n${[...rows.values()].join("")}`;
  await writeFile(DOCUMENT, `${document.slice(0, before)}\n${table}\n${document.slice(after)}`);
}

const words = process.argv.slice(2);
const ranges = words.filter((word) => word !== "--record");
/** @type {Result[]} */
const results = [];
for (const range of ranges.length === 0 ? RANGES : ranges) {
  const result = await testOn(await newestOf(range));
  results.push(result);
  const { version, passed, failed, skipped } = result;
  console.log(`Node.js ${version}: ${passed} passed, ${failed} failed, ${skipped.length} skipped`);
}
if (words.includes("--record")) await record(results);
process.exitCode = results.every(({ passed, failed }) => passed > 0 && failed === 0) ? 0 : 1;
