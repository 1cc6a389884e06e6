import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildGoPeer } from "@ipc-internal/conformance/go-toolchain";
import { adapterOf } from "./adapter-list.js";
import { measureRound } from "./calls/round.js";
import { AS_USERS_RUN, type Start } from "./fixed-memory.js";
import { decodeOutcome, type Order, type Outcome, type Workload } from "./order.js";
import { tellTimes } from "./quantile.js";
import { runProcess } from "./run-process.js";

const CLIENT = fileURLToPath(new URL("../dist/client-process.js", import.meta.url));

/** A longer work has failed: thousands of handshakes take long, and some get nowhere behind large messages. */
const LIMITS_MS: Partial<Record<Workload, number>> = {
  crowd: 240_000,
  "fan-in": 180_000,
  "loop delay": 30_000,
  "ping in bulk": 30_000,
  "stalled reader": 30_000,
};

/** In MiB, enough for everything that is allocated while allocations are counted: nothing is collected meanwhile. */
const NO_COLLECTION = ["--min-semi-space-size=512", "--max-semi-space-size=512"];

/** Ours that differ only in how they wait for an answer, and the greatest message whose round trips are told of. */
const POLLING = ["plain, polling", "secure, polling"];
const ROUND_TRIP_BYTES = 1_024;

/** Why a contestant does not do a work: it has no way to do it, or the benchmark leaves it out. */
export type Inability = { readonly cannot: string } | { readonly skipped: string };

/** A program that does the work: one of our modes, the floor, or a peer. */
export interface Contestant {
  readonly name: string;
  /** The version and the wire, for the reader. */
  readonly what: string;
  /** Undefined when it does the order. */
  cannot(order: Order): Inability | undefined;
  measure(order: Order): Promise<Outcome>;
}

/** The contestants that take part on this machine, those that do not, and why. */
export interface Field {
  readonly contestants: readonly Contestant[];
  readonly notRun: readonly { readonly name: string; readonly why: string }[];
}

export const OURS = {
  plain: "@ipc, `encryption: false`",
  compatible: '@ipc, golang-ipc\'s encryption (`wire: "golang-ipc"`)',
  secure: "@ipc, secure session: the default",
  "plain, polling": "as plain, with `busyPollUs: 100`",
  "secure, polling": "as secure, with `busyPollUs: 100`",
} as const;

/** Our modes that are measured with calls, by their names among the contestants of those. */
const CALLS: Readonly<Record<string, string>> = { plain: "@ipc/rpc, plain", secure: "@ipc/rpc, secure" };

/** Our modes are named as in the adapters; a peer as its package is. */
const PEERS: readonly (readonly [name: string, how: string])[] = [
  ["node-ipc", "JSON events over a unix socket"],
  ["zeromq", "dealer and router over `ipc://`"],
  ["ws", "binary messages over a unix socket, no compression, with bufferutil"],
  ["vscode-jsonrpc", "notifications over a unix socket"],
];

/** Finds the contestants that can run on this machine. */
export async function gatherField(): Promise<Field> {
  const contestants = [await nodeContestant("bare loop", "a `net.Socket`, the smallest framing, no library")];
  const notRun: { name: string; why: string }[] = [];
  for (const [name, what] of Object.entries(OURS)) contestants.push(await nodeContestant(name, what));
  // Next to ours, which they are compared with, because a change of the machine's speed then affects both alike.
  const go = await buildGoPeer();
  if ("missing" in go) notRun.push({ name: "golang-ipc", why: go.missing });
  else for (const encrypted of [true, false]) contestants.push(await goContestant(go.path, encrypted));
  for (const [name, how] of PEERS) {
    try {
      contestants.push(await nodeContestant(name, `${versionOf(name)}, ${how}`));
    } catch (error) {
      notRun.push({ name, why: (error as Error).message });
    }
  }
  const channel = `Node ${process.version}, \`serialization: "advanced"\``;
  contestants.push(await nodeContestant("child_process", channel));
  return { contestants, notRun };
}

/** @param client the built program of the client's process; its packages are those that are measured */
export async function nodeContestant(
  name: string,
  what: string,
  client: string = CLIENT,
  start: Start = AS_USERS_RUN,
): Promise<Contestant> {
  const { abilities } = await adapterOf(name);
  return {
    name,
    what,
    cannot(order) {
      const isRoundTrip = order.workload === "round trips" || order.workload === "exchange";
      if (POLLING.includes(name) && !(isRoundTrip && order.size <= ROUND_TRIP_BYTES))
        return { skipped: "differs in how it waits for an answer, and is measured with small messages" };
      if (order.workload === "calls" && CALLS[name] === undefined)
        return { skipped: "calls are measured in plain and secure sessions" };
      if ("clients" in order && !abilities.clients) return { cannot: "has one client" };
      if ((order.workload === "stalled reader" || order.workload === "full queue") && !abilities.pause)
        return { cannot: "cannot pause one connection" };
      if (order.workload === "count" && order.manner !== "echo" && !abilities.manners.includes(order.manner))
        return { cannot: `cannot send ${order.manner}` };
      return undefined;
    },
    async measure(order) {
      const adapted =
        order.workload === "exchange"
          ? { ...order, manners: order.manners.filter((manner) => abilities.manners.includes(manner)) }
          : order;
      if (order.workload === "calls") return measureRound(dirname(client), CALLS[name] ?? "", order, start);
      const flags = [...start.flags, ...(order.workload === "count" ? NO_COLLECTION : [])];
      const args = ["--expose-gc", ...flags, client, name, JSON.stringify(adapted)];
      const limitMs = LIMITS_MS[order.workload];
      return decodeOutcome(await runProcess(process.execPath, args, limitMs, start.env));
    },
  };
}

/** golang-ipc on both ends, two processes of the same program. */
async function goContestant(program: string, encrypted: boolean): Promise<Contestant> {
  const version = (await runProcess("go", ["version", "-m", program])).match(/golang-ipc\s+(v\S+)/)?.[1] ?? "";
  const go = (await runProcess("go", ["version"])).match(/go(\d\S*)/)?.[1] ?? "";
  const flags = ["--role", "bench", `--encryption=${encrypted}`];
  return {
    name: encrypted ? "golang-ipc encrypted" : "golang-ipc plain",
    what: `${version} on Go ${go}, both ends in Go`,
    cannot: ({ workload }) =>
      workload === "exchange" || workload === "round trips"
        ? undefined
        : { skipped: "only round trips and one way are measured; its server of many loses clients that come together" },
    async measure(order) {
      if (order.workload !== "exchange" && order.workload !== "round trips")
        throw new Error(`golang-ipc: no ${order.workload}`);
      const { size, pings, pingMs } = order;
      const sendMs = order.workload === "exchange" ? order.sendMs : 0;
      const count = Math.ceil(sendMs * (size > 100_000 ? 0.5 : size > 10_000 ? 8 : 80));
      const args = { size, pings, "ping-limit": `${pingMs}ms`, count };
      const words = Object.entries(args).map(([flag, value]) => `--${flag}=${value}`);
      const { event, result } = JSON.parse(await runProcess(program, [...flags, ...words])) as GoReport;
      if (event !== "bench") throw new Error(`go-peer told of ${event}`);
      const times = tellTimes(result.timesUs);
      const awaited = count === 0 ? {} : { awaited: result.perSecond };
      const unsettled = [
        ...(result.timesSettled ? [] : Object.keys(times.figures)),
        ...(result.rateSettled ? [] : Object.keys(awaited)),
      ];
      return { ...times, figures: { ...times.figures, ...awaited }, unsettled };
    },
  };
}

/** The report of go-peer on a benchmark. */
interface GoReport {
  readonly event: string;
  readonly result: {
    readonly timesUs: number[];
    readonly timesSettled: boolean;
    readonly perSecond: number;
    readonly rateSettled: boolean;
  };
}

function versionOf(name: string): string {
  const require = createRequire(import.meta.url);
  const folder = require.resolve.paths(name)?.map((path) => `${path}/${name}/package.json`) ?? [];
  for (const path of folder) {
    try {
      return (JSON.parse(readFileSync(path, "utf8")) as { readonly version: string }).version;
    } catch {
      // Not in this one.
    }
  }
  throw new Error(`${name} is not installed`);
}
