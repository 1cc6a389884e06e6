// One side of a run, in a process of its own that can be killed: does what the runner says. usage: peer-program.js
import { subscribe } from "node:diagnostics_channel";
import { type Client, type Peer, startClient } from "@ipc/client";
import { type ServerManager, startServerManager } from "@ipc/manager";
import { type Server, startServer } from "@ipc/server";
import { endAsOrphan } from "./orphan.js";
import { BUDGET_BYTES, clock, NAME, type PeerNews, type PeerOrder } from "./peer-order.js";
import { Codes, Traffic, type TrafficOptions } from "./traffic.js";

/** A killed side ends a handshake, not the clock: a connection that is given up on a slow machine would count as two. */
const HANDSHAKE_MS = 60_000;

type Start = Extract<PeerOrder, { kind: "start" }>;
type Options = Omit<TrafficOptions, "peer" | "index" | "firstConnection">;

const codes = new Codes();
/** What has been started, and is to be closed. */
let started: readonly (Client | Server | ServerManager)[] = [];
/** Those that are under way; a manager's go with their connections. */
const traffics = new Set<Traffic>();
const ended = { heard: 0 };
let expected = 0;
let isFinishing = false;
/** Looked at again whenever something has been heard. */
let waits: { readonly isSo: () => boolean; readonly then: PeerNews }[] = [];

function tell(news: PeerNews): void {
  process.send?.(news);
}

function tellBroken(error: unknown): void {
  tell({ kind: "broken", message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
}

function look(): void {
  const due = waits.filter(({ isSo }) => isSo());
  waits = waits.filter((wait) => !due.includes(wait));
  for (const { then } of due) tell(then);
}

function tellWhen(then: PeerNews, isSo: () => boolean): void {
  waits.push({ isSo, then });
  look();
}

function everyTraffic(test: (traffic: Traffic) => boolean): boolean {
  return traffics.size === expected && [...traffics].every(test);
}

function converse(options: TrafficOptions): Traffic {
  const traffic = new Traffic(options);
  traffics.add(traffic);
  if (isFinishing) traffic.finish();
  return traffic;
}

async function start({ role, directory, encryption, life, clients, restsOnOdd, rate }: Start): Promise<void> {
  const side = role === "client" ? "client" : "server";
  const options: Options = { side, life, restsOnOdd, rate, codes, heard: look, broken: tellBroken };
  const budgets = { maxQueuedBytes: BUDGET_BYTES, maxUnreadBytes: BUDGET_BYTES };
  const common = { name: NAME, directory, encryption, handshakeTimeoutMs: HANDSHAKE_MS, ...budgets };
  const converseWith = (peer: Peer, index: number): Traffic =>
    converse({ ...options, peer, index, firstConnection: 0 });
  expected = clients;
  switch (role) {
    case "client": {
      subscribe("ipc:connect", () => tell({ kind: "connected", at: clock() }));
      const all = await Promise.all(Array.from({ length: clients }, () => startClient(common)));
      started = all;
      for (const [index, client] of all.entries()) converseWith(client, index);
      return;
    }
    case "server": {
      const server = await startServer(common);
      started = [server];
      server.on("refused", (error) => codes.note("refused", error));
      converseWith(server, 0);
      return;
    }
    case "manager": {
      const manager = await startServerManager(common);
      started = [manager];
      manager.on("refused", (error) => codes.note("refused", error));
      manager.on("connection", (connection) => {
        const traffic = converse({ ...options, peer: connection, index: 0, firstConnection: connection.id });
        connection.once("close", () => {
          traffics.delete(traffic);
          ended.heard += traffic.heard;
        });
      });
    }
  }
}

async function close(): Promise<void> {
  const all = [...traffics];
  await Promise.all(started.map((one) => one.close()));
  await Promise.all(all.map((traffic) => traffic.over()));
  const heard = [...traffics].reduce((sum, traffic) => sum + traffic.heard, ended.heard);
  const reconnects = started.reduce((sum, one) => sum + ("reconnects" in one.stats ? one.stats.reconnects : 0), 0);
  tell({ kind: "over", report: { heard, reconnects, codes: codes.counts } });
}

async function stall(): Promise<void> {
  const [traffic] = traffics;
  if (traffic === undefined) throw new Error("no connection to stall");
  const accepted = await traffic.stall();
  tell({ kind: "stalled", accepted, queuedBytes: traffic.queuedBytes });
}

async function carryOut(order: PeerOrder): Promise<void> {
  switch (order.kind) {
    case "start": {
      const from = clock();
      await start(order);
      tell({ kind: "started", from, at: clock() });
      return;
    }
    case "hear": {
      const { life, messages } = order;
      tellWhen({ kind: "heard" }, () => everyTraffic((traffic) => traffic.hasHeard(life, messages)));
      return;
    }
    case "stall":
      return stall();
    case "finish":
      isFinishing = true;
      for (const traffic of traffics) traffic.finish();
      tellWhen({ kind: "finished" }, () => everyTraffic((traffic) => traffic.isFinished));
      return;
    case "close":
      return close();
  }
}

process.on("message", (order: PeerOrder) => {
  carryOut(order).catch(tellBroken);
});
endAsOrphan(() => started.every((one) => one.status === "Closed"));
tell({ kind: "ready" });
