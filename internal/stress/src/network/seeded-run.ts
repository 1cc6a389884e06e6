import type { ListenOptions, NetConnectOpts } from "node:net";
import { join } from "node:path";
import { NAME, type PeerReport, type Place } from "./command.js";
import type { FaultPlan, Side } from "./fault-plan.js";
import { FaultProxy } from "./fault-proxy.js";
import type { PeerProcess } from "./peer-process.js";
import type { Outcome } from "./verdict.js";

/** Longer than the watchdog waits: a close that nothing holds up needs no time limit of its own. */
const CLOSE_MS = 60_000;
const ANSWER_MS = 2_000;
const SIDES: readonly Side[] = ["client", "server"];

/** Where the server's socket lies in the lane's directory; the proxy's, which the client dials, is beside it. */
export const SERVER_FOLDER = "s";

export interface RunResult extends Outcome {
  readonly connections: number;
}

/** One seed on its way: a server, a proxy, a client, and what they are told. */
export class SeededRun {
  readonly #plan: FaultPlan;
  readonly #peers: Readonly<Record<Side, PeerProcess>>;
  readonly #directory: string;
  readonly #over: Readonly<Record<Side, Promise<PeerReport>>>;
  #proxy: FaultProxy | undefined;

  constructor(plan: FaultPlan, peers: Readonly<Record<Side, PeerProcess>>, directory: string) {
    this.#plan = plan;
    this.#peers = peers;
    this.#directory = directory;
    const over = async (side: Side): Promise<PeerReport> => (await peers[side].next("over")).report;
    this.#over = { server: over("server"), client: over("client") };
    // Raced, and not always awaited to the end.
    for (const side of SIDES) this.#over[side].catch(() => {});
  }

  async play(): Promise<RunResult> {
    const plan = this.#plan;
    const proxy = await this.#start();
    const { finale } = plan;
    if (finale.kind === "finish") await this.#completed(proxy);
    else await Promise.race([proxy.held, this.#over.client]);
    const timeoutMs = finale.kind === "finish" ? CLOSE_MS : finale.timeoutMs;
    const first = SIDES.filter((side) => finale.first === side || finale.first === "both");
    await Promise.all(first.map((side) => this.#endSide(side, finale.kind, timeoutMs)));
    // What the fault held up is let go before the other side ends.
    if (finale.kind !== "finish") proxy.cut();
    const second = SIDES.filter((side) => !first.includes(side));
    await Promise.all(second.map((side) => this.#endSide(side, "close", CLOSE_MS)));
    const reports = { server: await this.#over.server, client: await this.#over.client };
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

  /** Starts server, proxy and client. */
  async #start(): Promise<FaultProxy> {
    const { seed, transport, wire, handshakeTimeoutMs, connections, peers } = this.#plan;
    const start = { kind: "start", seed, wire, handshakeTimeoutMs } as const;
    const place: Place = transport === "tcp" ? { port: 0 } : { directory: join(this.#directory, SERVER_FOLDER) };
    this.#peers.server.send({ ...start, place, plan: peers.server });
    const { address } = await this.#peers.server.next("started");
    this.#proxy = await FaultProxy.listen(connections, this.#entrance(), upstreamOf(transport, address));
    const proxied: Place = transport === "tcp" ? { port: this.#proxy.port } : { directory: this.#directory };
    this.#peers.client.send({ ...start, place: proxied, plan: peers.client });
    return this.#proxy;
  }

  #entrance(): ListenOptions {
    if (this.#plan.transport === "tcp") return { host: "127.0.0.1", port: 0 };
    return { path: join(this.#directory, `${NAME}.sock`) };
  }

  /** Resolves when a connection without a fault has carried everything, or the client has failed for good. */
  async #completed(proxy: FaultProxy): Promise<void> {
    const { client } = this.#peers;
    const failed = this.#over.client.then(() => "failed" as const);
    for (;;) {
      const told = await Promise.race([client.next("complete"), failed]);
      if (told === "failed") return;
      // Carried by a connection that is going to be cut: the next one begins anew.
      if (!proxy.isSpent) continue;
      client.send({ kind: "confirm", connection: told.connection });
      const answer = await Promise.race([client.next("confirmed"), failed]);
      if (answer === "failed" || answer.holds) return;
    }
  }

  async #endSide(side: Side, how: "finish" | "close" | "destroy", timeoutMs: number): Promise<void> {
    this.#peers[side].send(how === "destroy" ? { kind: "destroy" } : { kind: "close", timeoutMs });
    await this.#over[side];
  }

  async #waitsOf(side: Side): Promise<string> {
    this.#peers[side].send({ kind: "waits" });
    let timer: NodeJS.Timeout | undefined;
    const silent = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve("something that holds its event loop"), ANSWER_MS);
    });
    const names = this.#peers[side].next("waits").then((told) => told.names.join(", "));
    try {
      return await Promise.race([names, silent]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function upstreamOf(transport: FaultPlan["transport"], address: string): NetConnectOpts {
  if (transport === "unix") return { path: address };
  const { hostname, port } = new URL(`tcp://${address}`);
  return { host: hostname, port: Number(port) };
}
