// Lets processes race for a socket file, kills them in the midst of their starts, watches the file's mode from the first instant, and
// lets another user try to get in; exits 1 when a promise is broken. usage: ownership.js [--runs N] [--record]. N: races on each
// ground, and kills; five starts are watched for each two of them.
import { groupDigits, recordFigures, table } from "@ipc-internal/seeded";
import { intrude } from "./intruder-run.js";
import { quantile } from "./kill-figures.js";
import { isRoot, NEEDS_ROOT } from "./other-user.js";
import { raceForSocket } from "./race-run.js";
import { readScriptOptions } from "./script-options.js";
import { killStarts } from "./start-kill-run.js";
import { watchStarts } from "./watch-run.js";

const STARTS_PER_RACE = 2.5;

const { runs, record } = readScriptOptions(process.argv.slice(2), 200);
const starts = Math.ceil(runs * STARTS_PER_RACE);
const from = performance.now();
const races = await raceForSocket(runs);
const killed = await killStarts(runs);
const watched = await watchStarts(starts);
const intruder = isRoot ? await intrude(starts) : undefined;
const seconds = Math.round((performance.now() - from) / 1_000);

const figures = [
  `In ${seconds} s, none failed.\n`,
  table(
    ["two start at once over a name that is", "races", "the first is the owner", "the second", "the old one still was"],
    races.map(({ ground, first, second, nobody }) => [ground, runs, first, second, nobody]),
  ),
  table(
    ["killed in the midst of their starts", "kills", "the next starts and serves after, ms: median", "longest"],
    [["servers", runs, ...[0.5, 1].map((share) => groupDigits(Math.round(quantile(killed.nextStartMs, share))))]],
  ),
  table(["what they left beside a socket file", "times"], Object.entries({ directory: 0, ...killed.left }).sort()),
  table(
    [`seen in ${groupDigits(watched.looks)} looks at ${groupDigits(starts)} starts`, "times"],
    Object.entries(watched.seen).sort(),
  ),
  intruder === undefined
    ? `No second user tried to get in: ${NEEDS_ROOT}.\n`
    : table(
        [`a second user's attempts through ${groupDigits(starts)} starts under umask 0 came to`, "times"],
        Object.entries({ entered: 0, ...intruder.outcomes }).sort(),
      ),
].join("\n");
console.log(figures);
if (record) recordFigures("ownership", figures);
if (intruder?.outcomes["entered"] !== undefined) throw new Error("a second user got in");
