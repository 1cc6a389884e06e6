import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { CallOrder, Outcome } from "../order.js";
import { clockUs } from "../processor-time.js";
import { median, tellTimes } from "../quantile.js";
import { MOST_WINDOWS, settle, WINDOW_MS } from "../workloads/settle.js";
import { type CallClient, loadContestant, type Value } from "./contestant.js";

const SERVER = new URL("server-process.js", import.meta.url);
const SIZES = { "64 B": 64, "64 KiB": 65_536 };
/** The items of a measured stream, and fewer when everything else is measured for less than 0.05 s. */
const ITEMS = 50_000;
const ITEMS_PER_SECOND = 1_000_000;

/** Measurements without and beside a stalled stream, in turns. Odd, so that their median is one of them. */
const PAIRS = 5;

/** For how long calls may come to a stop until they count as blocked, in milliseconds. */
const PATIENCE_MS = 3_000;

/** Figures of one contestant in one round: calls and items per second, times in microseconds; Infinity: blocked. */
class Round implements Outcome {
  readonly figures: Record<string, number> = {};
  readonly unsettled: string[] = [];
  untilUs = 0;

  set(figure: string, value: number | undefined, isSettled: boolean = true): void {
    if (value === undefined) return;
    this.figures[figure] = value;
    if (!isSettled) this.unsettled.push(figure);
  }
}

/**
 * Measures a contestant once, its server in a process of its own.
 * @param path of the socket
 */
export async function measureCalls(name: string, path: string, order: CallOrder): Promise<Outcome> {
  const contestant = await loadContestant(name);
  const server = fork(SERVER, [name, path]);
  const exited = once(server, "exit");
  await once(server, "message");
  const client = await contestant.connect(path);
  const round = new Round();
  if (order.isProfiled === true) await measureInFlight(client, "64 B JSON", jsonOf(64), 64, order.seconds, round);
  else await measureAll(name, contestant.hasBytes, client, order.seconds, round);
  round.untilUs = clockUs();
  await Promise.race([client.close(), sleep(PATIENCE_MS, undefined, { ref: false })]);
  server.disconnect();
  await exited;
  return round;
}

async function measureAll(
  name: string,
  hasBytes: boolean,
  client: CallClient,
  seconds: number,
  round: Round,
): Promise<void> {
  for (const [size, length] of Object.entries(SIZES)) {
    const values: [string, Value][] = [["JSON", jsonOf(length)]];
    if (hasBytes) values.push(["bytes", new Uint8Array(length).fill(120)]);
    for (const [kind, value] of values) {
      for (const inFlight of [1, 64]) await measureInFlight(client, `${size} ${kind}`, value, inFlight, seconds, round);
    }
  }
  await measureStream(name, client, Math.ceil(Math.min(ITEMS, ITEMS_PER_SECOND * seconds)), round);
  await measureBesideStalled(client, seconds, round);
}

function jsonOf(length: number): Value {
  return { text: "x".repeat(length - '{"text":""}'.length) };
}

async function measureInFlight(
  client: CallClient,
  what: string,
  value: Value,
  inFlight: number,
  seconds: number,
  round: Round,
): Promise<void> {
  const windowS = Math.min(WINDOW_MS / 1_000, seconds);
  const isSettled = await settle(async () => (await callFor(client, value, inFlight, windowS)).times);
  const { rate, times } = await callFor(client, value, inFlight, seconds);
  round.set(`${what}, ${inFlight} in flight: calls/s`, rate, isSettled);
  if (inFlight > 1) return;
  const { p50Us, p99Us } = tellTimes(times).figures;
  round.set(`${what}, 1 in flight: p50 µs`, p50Us, isSettled);
  round.set(`${what}, 1 in flight: p99 µs`, p99Us, isSettled);
}

/** The rate of a stream's items. The warm-up reads shorter streams. @throws Error if one has not all of its items */
async function measureStream(name: string, client: CallClient, items: number, round: Round): Promise<void> {
  if (client.count === undefined) return;
  const read = async (count: number): Promise<number> => {
    const from = performance.now();
    const counted = await client.count?.(count);
    if (counted !== count) throw new Error(`${name}: ${counted} of ${count} items`);
    return count / ((performance.now() - from) / 1_000);
  };
  const isSettled = await settle(async () => [await read(Math.ceil(items / 10))]);
  round.set("a stream: items/s", await read(items), isSettled);
}

/**
 * The cost of a stream whose reader has stopped for the unary calls of the same connection. Calls without and beside one are measured in
 * turns, after both are warm, because a process still gets faster, and a busy machine slower, between two long measurements.
 */
async function measureBesideStalled(client: CallClient, seconds: number, round: Round): Promise<void> {
  if (client.stall === undefined) return;
  const value = jsonOf(SIZES["64 B"]);
  const call = async (forSeconds: number): Promise<readonly number[]> =>
    (await callFor(client, value, 1, forSeconds)).times;
  const windowS = Math.min(WINDOW_MS / 1_000, seconds);
  /** Resolves with nothing if the work is blocked. */
  const beside = async <Result>(work: () => Promise<Result>, limitMs: number): Promise<Result | undefined> => {
    const stream = await client.stall?.();
    const blocked = sleep(limitMs + PATIENCE_MS, undefined, { ref: false });
    const result = await Promise.race([work(), blocked]);
    await stream?.leave();
    return result ?? undefined;
  };
  const isSettledWithout = await settle(() => call(windowS));
  const isSettledBeside = await beside(() => settle(() => call(windowS)), 1_000 * MOST_WINDOWS * windowS);
  const ratios: number[] = [];
  let times: readonly number[] = [];
  for (let pair = 0; pair < PAIRS && isSettledBeside !== undefined; pair++) {
    const without = await call(seconds / PAIRS);
    const found = await beside(() => call(seconds / PAIRS), 1_000 * (seconds / PAIRS));
    if (found === undefined) break;
    ratios.push(median(found) / median(without));
    times = times.concat(found);
  }
  const isSettled = isSettledWithout && isSettledBeside === true;
  const isBlocked = ratios.length < PAIRS;
  const { p50Us, p99Us } = tellTimes(times).figures;
  const known = (value: number | undefined): number | undefined => (isBlocked ? Number.POSITIVE_INFINITY : value);
  round.set("beside a stalled stream, 64 B JSON: p50 µs", known(p50Us), isSettled);
  round.set("beside a stalled stream, 64 B JSON: p99 µs", known(p99Us), isSettled);
  round.set(BESIDE_RATIO, known(median(ratios)), isSettled);
}

/** The figure of a stream whose reader has stopped: p50 of the calls beside it ÷ p50 of those just before; the median of five. */
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
