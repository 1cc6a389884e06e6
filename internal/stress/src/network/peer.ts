// One side of many runs, in a process of its own: does what the runner calls for. usage: peer.js server|client
import { setImmediate as nextMacrotask } from "node:timers/promises";
import { isIpcError, type Peer, startClient, tcp } from "@ipc/client";
import { startServer } from "@ipc/server";
import { reportNews, serveCalls } from "../process/calls.js";
import { activeResources } from "../process/footprint.js";
import type { Side } from "../traffic/message.js";
import type { Arrived } from "../traffic/order-check.js";
import { countCode, Traffic } from "../traffic/traffic.js";
import { type Wire, wireOptions } from "../traffic/wire.js";
import { Waits } from "../waits.js";
import type { PeerPlan } from "./fault-plan.js";

const RETRY_MS = 5;

export interface Start {
  readonly seed: number;
  /** The address that it listens at, or dials. */
  readonly address: { readonly name: string; readonly directory: string } | { readonly port: number };
  readonly wire: Wire;
  readonly handshakeTimeoutMs: number;
  readonly plan: PeerPlan;
}

export interface PeerReport {
  /** How many messages were written to each connection. */
  readonly sent: readonly Arrived[];
  readonly arrived: readonly Arrived[];
  /** Codes by where they were seen: `lost`, `refused`, `write`, `close`, `error`, `start`. */
  readonly codes: readonly string[];
}

export type PeerNews =
  | { readonly kind: "listening"; readonly address: string }
  /** Everything has been sent and heard on this connection of the client's. */
  | { readonly kind: "complete"; readonly connection: number };

const side: Side = process.argv[2] === "server" ? "server" : "client";
/** The resources that keep the process alive without a peer: the channels to the runner. */
let idle: string | undefined;
let waits = new Waits();
let codes: Record<string, number> = {};
let starting = new AbortController();
let current: { readonly peer: Peer; readonly traffic: Traffic } | undefined;

function resources(): string {
  return activeResources().sort().join();
}

async function startPeer({ address, wire, handshakeTimeoutMs, plan }: Start): Promise<Peer> {
  const { maxQueuedBytes, maxUnreadBytes } = plan;
  const options = {
    ...("port" in address ? { name: "tcp", transport: tcp(address) } : address),
    ...wireOptions(wire),
    ...{ maxQueuedBytes, maxUnreadBytes, handshakeTimeoutMs, signal: starting.signal },
  };
  if (side === "client") return startClient({ ...options, retryMs: RETRY_MS });
  const server = await startServer(options);
  server.on("refused", (error) => countCode(codes, "refused", error));
  reportNews<PeerNews>({ kind: "listening", address: server.address });
  return server;
}

async function converse(start: Start): Promise<Pick<Traffic, "sent" | "arrived">> {
  const { seed, plan } = start;
  let peer: Peer;
  try {
    peer = await waits.track("the start", startPeer(start));
  } catch (error) {
    if (!isIpcError(error)) throw error;
    countCode(codes, "start", error);
    return { sent: [], arrived: [] };
  }
  const traffic = new Traffic({
    ...{ ...plan, peer, side, seed, peerSeed: seed, firstConnection: 0, waits, codes },
    ...{ sizes: () => plan.sizes, pauseMs: 0, restsOnOdd: false },
    changed() {
      if (side === "client" && traffic.isComplete) {
        reportNews<PeerNews>({ kind: "complete", connection: peer.stats.reconnects });
      }
    },
  });
  current = { peer, traffic };
  await waits.settle();
  return traffic;
}

/** A socket, a timer or a thread that stays for good never lets this end, and the watchdog says so. */
async function settle(): Promise<void> {
  do await nextMacrotask();
  while (resources() !== idle);
}

const calls = {
  /** Resolves when it is over: closed, destroyed or failed for good, and nothing is left of it. */
  async start(order: Start): Promise<PeerReport> {
    idle ??= resources();
    [waits, codes, starting] = [new Waits(), {}, new AbortController()];
    const { sent, arrived } = await converse(order);
    current = undefined;
    await waits.track("what keeps the process alive to go", settle());
    return { sent, arrived, codes: Object.keys(codes) };
  },

  /** Whether this connection, on which everything was sent and heard, stands. */
  holds(connection: number): boolean {
    return current?.traffic.holds(connection) ?? false;
  },

  close(timeoutMs: number): void {
    if (current === undefined) starting.abort("closed by the plan");
    else current.traffic.close(timeoutMs);
  },

  destroy(): void {
    if (current === undefined) starting.abort("destroyed by the plan");
    else current.peer.destroy("destroyed by the plan");
  },

  /** Names everything that has not settled. */
  waits(): string[] {
    return [...waits.names, `resources: ${resources()}, idle: ${idle}`];
  },
};

export type PeerCalls = typeof calls;

serveCalls(calls);
