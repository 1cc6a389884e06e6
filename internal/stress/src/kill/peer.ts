// One side of a run, in a process of its own that can be killed: does what the runner calls for. usage: peer.js
import { subscribe } from "node:diagnostics_channel";
import { type Client, type Peer, startClient } from "@ipc/client";
import { type ServerManager, startServerManager } from "@ipc/manager";
import { type Server, startServer } from "@ipc/server";
import { clock, reportNews, serveCalls } from "../process/calls.js";
import { SeededRandom } from "../random.js";
import { sum } from "../report/figure.js";
import { countCode, Traffic } from "../traffic/traffic.js";
import { Waits } from "../waits.js";

/** A killed side ends a handshake, not the clock: a connection that is given up on a slow machine would count as two. */
const HANDSHAKE_MS = 60_000;
const MIN_MESSAGE_BYTES = 40;
/** A connection's number has so many bits, below the life that wrote it. */
const CONNECTION_BITS = 16;

/** A server of one client, a server of many, or as many clients as it is told. */
export type Role = "server" | "manager" | "client";

/** How much is written. */
export interface Rate {
  readonly maxMessageBytes: number;
  /** Between two messages. */
  readonly pauseMs: number;
}

export interface Start {
  readonly role: Role;
  readonly name: string;
  readonly directory: string;
  readonly encryption: boolean;
  /** Which process in this place it is, from 0 on: the messages of two of them can be told apart. */
  readonly life: number;
  readonly clients: number;
  /** Writes nothing on every second connection: a process killed then has read everything, so it does not reset. */
  readonly restsOnOdd: boolean;
  readonly rate: Rate;
  /** A peer queues, and leaves unread, so much at the most. */
  readonly budgetBytes: number;
}

/** The observations of a process of peers when it is over. */
export interface PeerReport {
  /** Messages that came complete, once and in order. */
  readonly heard: number;
  /** Connections after the first, of all its peers. */
  readonly reconnects: number;
  /** Codes by where they were seen: `lost`, `write`, `refused`. */
  readonly codes: Readonly<Record<string, number>>;
}

/** One of its clients has a connection. `at`: by `clock`. */
export interface PeerNews {
  readonly kind: "connected";
  readonly at: number;
}

const codes: Record<string, number> = {};
const waits = new Waits();
/** The peers that have been started, and are to be closed. */
let started: readonly (Client | Server | ServerManager)[] = [];
/** Those in progress; a manager's go with their connections. */
const traffics = new Set<Traffic>();
let heardBefore = 0;
let expected = 0;
let isFinishing = false;
/** Looked at again whenever something has changed. */
let conditions: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

function look(): void {
  const due = conditions.filter(({ holds }) => holds());
  conditions = conditions.filter((condition) => !due.includes(condition));
  for (const { resolve } of due) resolve();
}

function everyTraffic(test: (traffic: Traffic) => boolean): Promise<void> {
  const holds = (): boolean => traffics.size === expected && [...traffics].every(test);
  return new Promise((resolve) => {
    conditions.push({ holds, resolve });
    look();
  });
}

function converse({ role, life, restsOnOdd, rate }: Start, peer: Peer, index: number, firstConnection = 0): Traffic {
  const random = new SeededRandom(life * 1_000 + index);
  const traffic = new Traffic({
    ...{ peer, side: role === "client" ? "client" : "server", seed: index, restsOnOdd, codes, waits },
    firstConnection: (life << CONNECTION_BITS) + firstConnection,
    *sizes() {
      for (;;) yield random.magnitude(MIN_MESSAGE_BYTES, rate.maxMessageBytes);
    },
    ...{ window: 1, pauseMs: rate.pauseMs, reading: "read", readPause: 0, changed: look },
  });
  traffics.add(traffic);
  if (isFinishing) traffic.finish();
  return traffic;
}

async function startPeers(order: Start): Promise<void> {
  const { role, name, directory, encryption, clients, budgetBytes } = order;
  const budgets = { maxQueuedBytes: budgetBytes, maxUnreadBytes: budgetBytes };
  const options = { name, directory, encryption, handshakeTimeoutMs: HANDSHAKE_MS, ...budgets };
  expected = clients;
  if (role === "client") {
    subscribe("ipc:connect", () => reportNews<PeerNews>({ kind: "connected", at: clock() }));
    const all = await Promise.all(Array.from({ length: clients }, () => startClient(options)));
    started = all;
    for (const [index, client] of all.entries()) converse(order, client, index);
    return;
  }
  const onRefused = (error: unknown): void => countCode(codes, "refused", error);
  if (role === "server") {
    const server = await startServer(options);
    started = [server];
    server.on("refused", onRefused);
    converse(order, server, 0);
    return;
  }
  const manager = await startServerManager(options);
  started = [manager];
  manager.on("refused", onRefused);
  manager.on("connection", (connection) => {
    const traffic = converse(order, connection, 0, connection.id);
    connection.once("close", () => {
      traffics.delete(traffic);
      heardBefore += traffic.heard;
    });
  });
}

const calls = {
  /** Resolves when it listens, or its clients are connected. `from`: when it was called. */
  async start(order: Start): Promise<{ from: number; at: number }> {
    const from = clock();
    await startPeers(order);
    return { from, at: clock() };
  },

  /** Resolves when each of the peers has heard so many messages on its latest connection, written by that life. */
  hear({ life, messages }: { life: number; messages: number }): Promise<void> {
    return everyTraffic(({ latest }) => {
      return latest !== undefined && latest.connection >>> CONNECTION_BITS === life && latest.number + 1 >= messages;
    });
  },

  /** Resolves when nothing that is written is taken any more. For a process of one peer. */
  async stall(): Promise<{ accepted: number; queuedBytes: number }> {
    const [traffic] = traffics;
    if (traffic === undefined) throw new Error("no connection to stall");
    return { accepted: await traffic.stall(), queuedBytes: traffic.queuedBytes };
  },

  /** Writes no more. Resolves when everything that either side has written on the latest connection has arrived. */
  finish(): Promise<void> {
    isFinishing = true;
    for (const traffic of traffics) traffic.finish();
    return everyTraffic((traffic) => traffic.isComplete);
  },

  async close(): Promise<PeerReport> {
    await Promise.all(started.map((one) => one.close()));
    await waits.settle();
    const heard = heardBefore + sum([...traffics].map((traffic) => traffic.heard));
    const reconnects = sum(started.map(({ stats }) => ("reconnects" in stats ? stats.reconnects : 0)));
    // A read ends with its peer, however that ends.
    const seen = Object.entries(codes).filter(([name]) => !name.startsWith("read "));
    return { heard, reconnects, codes: Object.fromEntries(seen) };
  },
};

export type PeerCalls = typeof calls;

serveCalls(calls, () => started.every((one) => one.status === "Closed"));
