import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Outcome } from "../order.js";
import { tellTimes } from "../quantile.js";
import { settle, WINDOW_MS } from "../workloads/settle.js";
import { type CallClient, loadContestant, type Value } from "./contestant.js";

const SERVER = new URL("server-process.js", import.meta.url);
const SIZES = { "64 B": 64, "64 KiB": 65_536 };
const ITEMS = 50_000;

/** For how long calls may come to a stop until they count as blocked, in milliseconds. */
const PATIENCE_MS = 3_000;

/** Figures of one contestant in one round: calls and items per second, times in microseconds; Infinity: blocked. */
class Round {
  readonly figures: Record<string, number> = {};
  readonly unsettled: string[] = [];

  set(figure: string, value: number | undefined, isSettled: boolean = true): void {
    if (value === undefined) return;
    this.figures[figure] = value;
    if (!isSettled) this.unsettled.push(figure);
  }
}

/**
 * Measures a contestant once, its server in a process of its own.
 * @param path of the socket
 * @param seconds the duration of each measurement
 */
export async function measureCalls(name: string, path: string, seconds: number): Promise<Outcome> {
  const contestant = await loadContestant(name);
  const server = fork(SERVER, [name, path]);
  const exited = once(server, "exit");
  await once(server, "message");
  const client = await contestant.connect(path);
  const round = new Round();
  for (const [size, length] of Object.entries(SIZES)) {
    const values: [string, Value][] = [["JSON", jsonOf(length)]];
    if (contestant.hasBytes) values.push(["bytes", new Uint8Array(length).fill(120)]);
    for (const [kind, value] of values) await measureValue(client, `${size} ${kind}`, value, seconds, round);
  }
  if (client.count !== undefined) {
    const from = performance.now();
    const count = await client.count(ITEMS);
    if (count !== ITEMS) throw new Error(`${name}: ${count} of ${ITEMS} items`);
    round.set("a stream: items/s", ITEMS / ((performance.now() - from) / 1_000));
  }
  await measureBesideStalled(client, seconds, round);
  await Promise.race([client.close(), sleep(PATIENCE_MS, undefined, { ref: false })]);
  server.disconnect();
  await exited;
  return round;
}

function jsonOf(length: number): Value {
  return { text: "x".repeat(length - '{"text":""}'.length) };
}

async function measureValue(
  client: CallClient,
  what: string,
  value: Value,
  seconds: number,
  round: Round,
): Promise<void> {
  const windowS = Math.min(WINDOW_MS / 1_000, seconds);
  for (const inFlight of [1, 64]) {
    const isSettled = await settle(async () => (await callFor(client, value, inFlight, windowS)).times);
    const { rate, times } = await callFor(client, value, inFlight, seconds);
    round.set(`${what}, ${inFlight} in flight: calls/s`, rate, isSettled);
    if (inFlight > 1) continue;
    const { p50Us, p99Us } = tellTimes(times).figures;
    round.set(`${what}, 1 in flight: p50 µs`, p50Us, isSettled);
    round.set(`${what}, 1 in flight: p99 µs`, p99Us, isSettled);
  }
}

/** What a stream whose reader has stopped costs the unary calls of the same connection. */
async function measureBesideStalled(client: CallClient, seconds: number, round: Round): Promise<void> {
  if (client.stall === undefined) return;
  const value = jsonOf(SIZES["64 B"]);
  const without = await callFor(client, value, 1, seconds);
  const stream = await client.stall();
  const blocked = sleep(seconds * 1_000 + PATIENCE_MS, undefined, { ref: false });
  const beside = await Promise.race([callFor(client, value, 1, seconds), blocked]);
  const then = tellTimes(without.times).figures;
  const now = beside && tellTimes(beside.times).figures;
  round.set("beside a stalled stream, 64 B JSON: p50 µs", now?.p50Us ?? Number.POSITIVE_INFINITY);
  round.set("beside a stalled stream, 64 B JSON: p99 µs", now === undefined ? Number.POSITIVE_INFINITY : now.p99Us);
  round.set(BESIDE_RATIO, now === undefined ? Number.POSITIVE_INFINITY : now.p50Us / then.p50Us);
  await stream.leave();
}

/** The figure of a stream whose reader has stopped: p50 of the calls beside it ÷ p50 of those just before. */
export const BESIDE_RATIO = "beside a stalled stream ÷ without, p50";

async function callFor(
  client: CallClient,
  value: Value,
  inFlight: number,
  seconds: number,
): Promise<{ readonly rate: number; readonly times: readonly number[] }> {
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
