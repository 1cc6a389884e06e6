// Calls per second of @ipc/rpc and of other libraries, each a client and a server in two processes on a unix socket, in turns.
// usage: calls/main.js [SECONDS of each measurement]
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeMachine } from "@ipc-internal/stress";
import { markdownTable } from "markdown-table";
import { quantile } from "../quantile.js";
import { type CallClient, CONTESTANTS, contestantOf, type Value } from "./contestant.js";

const SERVER = new URL("server-process.js", import.meta.url);
const ITEMS = 50_000;
const ROUNDS = 3;
const SIZES = { "64 B": 64, "64 KiB": 65_536 };

const seconds = Number(process.argv[2] ?? 1);
const figures = new Map<string, Map<string, number[]>>();

function note(contestant: string, figure: string, value: number): void {
  const row = figures.get(figure) ?? new Map<string, number[]>();
  figures.set(figure, row);
  row.set(contestant, [...(row.get(contestant) ?? []), value]);
}

/** Calls per second, and the times of the calls in microseconds. */
async function measureCalls(
  client: CallClient,
  value: Value,
  inFlight: number,
): Promise<{ rate: number; times: number[] }> {
  const times: number[] = [];
  const from = performance.now();
  const until = from + seconds * 1_000;
  const call = async (): Promise<void> => {
    for (let now = performance.now(); now < until; ) {
      await client.echo(value);
      const then = performance.now();
      times.push((then - now) * 1_000);
      now = then;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, call));
  return { rate: times.length / ((performance.now() - from) / 1_000), times };
}

async function measure(name: string, path: string): Promise<void> {
  const contestant = await contestantOf(name);
  const server = fork(SERVER, [name, path]);
  await once(server, "message");
  const client = await contestant.connect(path);
  for (const [size, length] of Object.entries(SIZES)) {
    const values: [string, Value][] = [["JSON", { text: "x".repeat(length - '{"text":""}'.length) }]];
    if (contestant.hasBytes) values.push(["bytes", new Uint8Array(length).fill(120)]);
    for (const [kind, value] of values) {
      for (const inFlight of [1, 64]) {
        const { rate, times } = await measureCalls(client, value, inFlight);
        const what = `${size} ${kind}, ${inFlight} in flight`;
        note(name, `${what}: calls/s`, rate);
        if (inFlight > 1) continue;
        times.sort((a, b) => a - b);
        note(name, `${what}: p50 µs`, quantile(times, 0.5));
        note(name, `${what}: p99 µs`, quantile(times, 0.99));
      }
    }
  }
  if (client.count !== undefined) {
    const from = performance.now();
    const count = await client.count(ITEMS);
    if (count !== ITEMS) throw new Error(`${name}: ${count} of ${ITEMS} items`);
    note(name, "a stream: items/s", ITEMS / ((performance.now() - from) / 1_000));
  }
  await client.close();
  server.disconnect();
  await once(server, "exit");
}

const directory = await mkdtemp(join(tmpdir(), "ipc-calls-"));
const names = Object.keys(CONTESTANTS);
for (let round = 0; round < ROUNDS; round++) {
  for (const [at, name] of names.entries()) await measure(name, join(directory, `c${round}-${at}.sock`));
}
await rm(directory, { recursive: true });

const rows = [...figures].map(([figure, row]) => [
  figure,
  ...names.map((name) => {
    const values = row.get(name)?.toSorted((a, b) => a - b);
    return values === undefined ? "–" : Math.round(quantile(values, 0.5)).toLocaleString("en").replaceAll(",", " ");
  }),
]);
console.log(
  `${describeMachine()}\nMedians of ${ROUNDS} rounds, in turns.\n\n${markdownTable([["", ...names], ...rows])}`,
);
