import type { ListenOptions, NetConnectOpts } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Child } from "../process/child.js";
import type { Side } from "../traffic/message.js";
import type { FaultPlan } from "./fault-plan.js";
import { FaultProxy } from "./fault-proxy.js";
import type { PeerCalls, PeerNews, PeerReport, Start } from "./peer.js";
import type { Outcome } from "./verdict.js";

export type PeerProcess = Child<PeerCalls, PeerNews>;
export type Peers = Readonly<Record<Side, PeerProcess>>;

/** The name that every server listens under. */
const NAME = "faults";
/** Longer than the watchdog waits: a close that nothing holds up needs no time limit of its own. */
const CLOSE_MS = 60_000;
const ANSWER_MS = 2_000;
const SIDES: readonly Side[] = ["client", "server"];

/** The folder of the server's socket in the lane's directory; the proxy's, which the client dials, is beside it. */
export const SERVER_FOLDER = "s";

export interface RunResult extends Outcome {
  readonly connections: number;
}

/** The run of one seed: a server, a proxy, a client, and what they are told. */
export class SeededRun {
  readonly #plan: FaultPlan;
  readonly #peers: Peers;
  readonly #directory: string;
  #proxy: FaultProxy | undefined;

  constructor(plan: FaultPlan, peers: Peers, directory: string) {
    this.#plan = plan;
    this.#peers = peers;
    this.#directory = directory;
  }

  async play(): Promise<RunResult> {
    const plan = this.#plan;
    const { finale } = plan;
    const { proxy, over } = await this.#start();
    if (finale.kind === "finish") await this.#completed(proxy, over.client);
    else await Promise.race([proxy.held, over.client]);
    const timeoutMs = finale.kind === "finish" ? CLOSE_MS : finale.timeoutMs;
    const first = SIDES.filter((side) => finale.first === side || finale.first === "both");
    const end = async (side: Side, how: "close" | "destroy", ms: number): Promise<void> => {
      const peer = this.#peers[side];
      await (how === "destroy" ? peer.call("destroy") : peer.call("close", ms));
      await over[side];
    };
    await Promise.all(first.map((side) => end(side, finale.kind === "destroy" ? "destroy" : "close", timeoutMs)));
    // Cutting releases the bytes that the fault held up, before the other side ends.
    if (finale.kind !== "finish") proxy.cut();
    const second = SIDES.filter((side) => !first.includes(side));
    await Promise.all(second.map((side) => end(side, "close", CLOSE_MS)));
    const reports = { server: await over.server, client: await over.client };
    return { plan, fired: proxy.fired, connections: proxy.connections, reports };
  }

  async end(): Promise<void> {
    await this.#proxy?.close();
    for (const side of SIDES) this.#peers[side].forget();
  }

  async describeHang(): Promise<string> {
    const names = SIDES.map(async (side) => `the ${side} waits for ${await this.#waitsOf(side)}`);
    return [...(await Promise.all(names)), this.#proxy?.description ?? "no proxy yet"].join("; ");
  }

  /** Starts server, proxy and client. `over`: resolves when nothing is left of that side. */
  async #start(): Promise<{ proxy: FaultProxy; over: Readonly<Record<Side, Promise<PeerReport>>> }> {
    const { seed, transport, wire, handshakeTimeoutMs, connections, peers } = this.#plan;
    const begin = (side: Side, address: Start["address"]): Promise<PeerReport> => {
      const over = this.#peers[side].call("start", { seed, wire, handshakeTimeoutMs, plan: peers[side], address });
      // Raced, and not always awaited to the end.
      over.catch(() => {});
      return over;
    };
    const isTcp = transport === "tcp";
    const directory = this.#directory;
    const server = begin("server", isTcp ? { port: 0 } : { name: NAME, directory: join(directory, SERVER_FOLDER) });
    const { address } = await this.#peers.server.next("listening");
    const entrance: ListenOptions = isTcp ? { host: "127.0.0.1", port: 0 } : { path: join(directory, `${NAME}.sock`) };
    const proxy = await FaultProxy.listen(connections, entrance, upstreamOf(transport, address));
    this.#proxy = proxy;
    const client = begin("client", isTcp ? { port: proxy.port } : { name: NAME, directory });
    return { proxy, over: { server, client } };
  }

  /** Resolves when a connection without a fault has carried everything, or the client has failed for good. */
  async #completed(proxy: FaultProxy, over: Promise<PeerReport>): Promise<void> {
    const { client } = this.#peers;
    const failed = over.then(() => undefined);
    for (;;) {
      const news = await Promise.race([client.next("complete"), failed]);
      if (news === undefined) return;
      // The connection that carried it is going to be cut: the next one begins anew.
      if (!proxy.isSpent) continue;
      const holds = await Promise.race([client.call("holds", news.connection), failed]);
      if (holds !== false) return;
    }
  }

  #waitsOf(side: Side): Promise<string> {
    const silent = pause(ANSWER_MS, "something that holds its event loop", { ref: false });
    return Promise.race([this.#peers[side].call("waits").then((all) => all.join(", ")), silent]);
  }
}

function upstreamOf(transport: FaultPlan["transport"], address: string): NetConnectOpts {
  if (transport === "unix") return { path: address };
  const { hostname, port } = new URL(`tcp://${address}`);
  return { host: hostname, port: Number(port) };
}
