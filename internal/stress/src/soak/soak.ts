// Uses everything again and again for minutes, 30 by default, and looks after each minute what the process holds. Exits 1 when
// anything is left, or the heap is not within 5 % of what it was after the first rounds.
// usage: node --expose-gc soak.js [--warm-up ROUNDS] [--minutes N] [--record]
//        node --expose-gc soak.js [--warm-up ROUNDS] --rounds N: so many rounds, prints what was seen as JSON, judges nothing
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { groupDigits, recordFigures, table } from "@ipc-internal/seeded";
import { type Footprint, footprint } from "./footprint.js";
import { SoakWorld } from "./soak-world.js";

const MINUTE_MS = 60_000;
const MOST_GROWTH = 0.05;
/** Of buffers outside the heap, in bytes. */
const MOST_EXTERNAL_GROWTH = 1_048_576;
const MIB = 1_048_576;

export interface Sample {
  readonly minute: number;
  readonly rounds: number;
  readonly messages: number;
  readonly files: number;
  readonly footprint: Footprint;
}

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    // After these, what is loaded and kept once is there.
    "warm-up": { type: "string", default: "5" },
    record: { type: "boolean", default: false },
    rounds: { type: "string" },
  },
});
const minutes = Number(values.minutes);
if (!(minutes > 0)) throw new TypeError(`--minutes: takes a number above 0, got ${values.minutes}`);

const world = await SoakWorld.open(await mkdtemp(join(tmpdir(), "ipc-soak-")));
const samples: Sample[] = [];

async function look(minute: number): Promise<void> {
  await world.settle();
  const { rounds, messages } = world;
  samples.push({ minute, rounds, messages, files: await world.countFiles(), footprint: await footprint() });
  console.error(`minute ${minute.toFixed(1)}: ${rounds} rounds, heap ${heapOf(samples.at(-1))} MiB`);
}

function heapOf(sample: Sample | undefined): string {
  return mib(sample?.footprint.heapUsed ?? 0);
}

function mib(bytes: number): string {
  return (bytes / MIB).toFixed(2);
}

function count({ footprint: { resources } }: Sample): number {
  return Object.values(resources).reduce((sum, each) => sum + each, 0);
}

async function play(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) await world.round();
}

async function playMinutes(): Promise<void> {
  const from = performance.now();
  for (let minute = Math.min(1, minutes); minute <= minutes; minute++) {
    while (performance.now() - from < minute * MINUTE_MS) await world.round();
    await look(minute);
  }
}

function report(): void {
  const [first, last] = [samples[0], samples.at(-1)] as [Sample, Sample];
  const growth = last.footprint.heapUsed / first.footprint.heapUsed - 1;
  const figures = [
    `${minutes} minutes, ${groupDigits(last.rounds)} rounds, ${groupDigits(last.messages)} messages. From the first look to the last the`,
    `heap went by ${(growth * 100).toFixed(1)} %.\n`,
    table(
      ["minute", "rounds", "messages", "heap, MiB", "buffers, MiB", "descriptors", "sockets, timers …", "files"],
      samples.map((sample) => [
        ...[sample.minute.toFixed(0), sample.rounds, sample.messages, heapOf(sample), mib(sample.footprint.external)],
        ...[sample.footprint.descriptors ?? "unknown", count(sample), sample.files],
      ]),
    ),
  ].join("\n");
  console.log(figures);
  const isFlat =
    growth <= MOST_GROWTH &&
    last.footprint.external - first.footprint.external <= MOST_EXTERNAL_GROWTH &&
    last.footprint.descriptors === first.footprint.descriptors &&
    count(last) === count(first) &&
    last.files === first.files;
  if (!isFlat) console.error("FAILED: it is not as it was");
  else if (values.record) recordFigures("soak", figures);
  process.exitCode = isFlat ? 0 : 1;
}

await play(Number(values["warm-up"]));
await look(0);
if (values.rounds === undefined) {
  await playMinutes();
  await world.close();
  report();
} else {
  await play(Number(values.rounds));
  await look(0);
  await world.close();
  console.log(JSON.stringify(samples));
}
