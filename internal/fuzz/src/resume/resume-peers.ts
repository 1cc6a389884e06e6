import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ConnectionEvent, DisconnectEvent, Peer } from "@ipc/client";
import { FaultyNetwork } from "./faulty-network.js";
import { BrokenPromise, Ledger } from "./ledger.js";
import type { SideName } from "./program.js";
import { type HostKind, type Packages, ResumeHost } from "./resume-host.js";
import { ResumeSide } from "./resume-side.js";

const NAME = "resume";
/** Shorter than a server remembers a session that has ended, also one that was evicted before the others expire. */
export const SERVER_TTL_MS = 500_000;
export const CLIENT_TTL_MS = 100_000_000;
/** So small that writes wait. */
const BUFFER_BYTES = 16_384;
export const NEVER_MS = 2_147_483_647;
/** The message of a BrokenPromise: a client has resumed although its connection had not failed. */
export const ENDED_WHOLE = "a connection has ended that had not failed";

interface Client {
  readonly network: FaultyNetwork;
  /** Undefined until its first connection stands. */
  side: ResumeSide | undefined;
}

export interface PeersStart {
  readonly kind: HostKind;
  /** For a manager, a copy with FEW_DETACHED. */
  readonly packages: Packages;
}

/** A server or a manager, its clients and their networks, and the reference of both directions. */
export class ResumePeers {
  readonly #start: PeersStart;
  readonly #toServer = new Ledger("to the server");
  readonly #toClient = new Ledger("to the client");
  /** The networks of all clients so far. */
  readonly networks: FaultyNetwork[] = [];
  host: ResumeHost | undefined;
  clients: Client[] = [];
  /** The connections that the host serves, by the address that it sees. Those of clients have none of these addresses. */
  readonly #served = new Set<string>();
  readonly #onConnect = (news: unknown): void => void this.#served.add((news as ConnectionEvent).remote);
  readonly #onDisconnect = (news: unknown): void => void this.#served.delete((news as DisconnectEvent).remote);
  #processes = 0;
  #isOver = false;
  /** Whether the server proves to a client how much it has received when the session is lost. */
  serverKnows = true;
  /** While a side closes: whether it has taken everything that the others are told it has received. */
  closing: boolean | undefined;

  constructor(start: PeersStart) {
    this.#start = start;
    subscribe("ipc:connect", this.#onConnect);
    subscribe("ipc:disconnect", this.#onDisconnect);
  }

  get clientSides(): ResumeSide[] {
    return this.clients.flatMap(({ side }) => side ?? []);
  }

  get hostSides(): readonly ResumeSide[] {
    return this.host?.open ?? [];
  }

  get sides(): ResumeSide[] {
    return [...(this.host?.sides ?? []), ...this.clientSides];
  }

  get missing(): string[] {
    const sides = this.sides;
    const writes = sides.filter((side) => side.pendingWrites > 0).map(() => "writes have not settled");
    const kept = sides.filter(({ peer }) => peer.stats.unacknowledgedMessages > 0).map(() => "messages are kept");
    return [...this.#toServer.missing, ...this.#toClient.missing, ...writes, ...kept];
  }

  /** Whether both sides of each client's latest connection say that it stands, and it has not failed. */
  get isConnected(): boolean {
    return this.clients.every(({ side, network: { latest } }) => {
      const isServed = latest?.isWhole === true && this.#served.has(latest.remote);
      return isServed && side?.peer.status === "Connected";
    });
  }

  client(of: number): Client {
    return this.clients[of % this.clients.length] as Client;
  }

  side(name: SideName, of: number): ResumeSide | undefined {
    if (name === "client") return this.client(of).side;
    const sides = this.host?.sides ?? [];
    return sides[of % sides.length];
  }

  addNetwork(): FaultyNetwork {
    const network = new FaultyNetwork(this.networks[0]);
    this.networks.push(network);
    return network;
  }

  async startHost(): Promise<void> {
    const { kind, packages } = this.#start;
    const { transport } = this.networks[0] as FaultyNetwork;
    const resume = { ttlMs: SERVER_TTL_MS, bufferBytes: BUFFER_BYTES };
    this.host = await ResumeHost.start(kind, packages, { ...LIMITS, transport, resume }, (peer) =>
      this.#asSide(peer, this.#toClient, this.#toServer, () => false),
    );
  }

  startClient(network: FaultyNetwork): Client {
    const resume = { ttlMs: CLIENT_TTL_MS, bufferBytes: BUFFER_BYTES };
    const { transport } = network;
    const client: Client = { network, side: undefined };
    void this.#start.packages.startClient({ ...LIMITS, transport, resume, retryMs: 0 }).then((peer) => {
      client.side = this.#asSide(peer, this.#toServer, this.#toClient, () => this.serverKnows);
      watch(client.side, network);
      if (this.#isOver) peer.destroy();
    });
    return client;
  }

  /** @param isKept whether the other side proves how much it has received of a session that is lost, and still has it */
  #asSide(peer: Peer, out: Ledger, from: Ledger, isKept: () => boolean): ResumeSide {
    const isProved = (code: string): boolean | undefined => {
      if (code === "IPC_SESSION_LOST") return isKept();
      if (code === "IPC_PEER_CLOSED") return this.closing;
      // Nothing arrives of a session that a server refuses, because it serves another client.
      return code === "IPC_SERVER_BUSY" && this.#start.kind === "server" ? true : undefined;
    };
    return new ResumeSide({ peer, process: this.#processes++, out, from, isProved });
  }

  restartClient(of: number): void {
    const client = this.client(of);
    this.clients[this.clients.indexOf(client)] = this.startClient(client.network);
  }

  /** Lets no connection fail any more. */
  calm(): void {
    for (const { network } of this.clients) network.calm();
  }

  /** The server sees that clients have left connections. */
  notice(): void {
    for (const network of this.networks) network.notice();
  }

  check(): void {
    for (const side of this.sides) if (side.failure !== undefined) throw side.failure;
  }

  destroy(): void {
    this.#isOver = true;
    unsubscribe("ipc:connect", this.#onConnect);
    unsubscribe("ipc:disconnect", this.#onDisconnect);
    for (const side of this.clientSides) side.kill();
    this.host?.kill();
  }
}

/** Notes when a session goes on over another connection although the one before has not failed. */
function watch(side: ResumeSide, network: FaultyNetwork): void {
  let last = network.latest;
  side.peer.on("lost", () => {
    last = undefined;
  });
  side.peer.on("status", (status) => {
    if (status === "Connected") last ??= network.latest;
  });
  side.peer.on("resumed", () => {
    if (last?.isWhole === true) side.failure ??= new BrokenPromise(ENDED_WHOLE);
    last = network.latest;
  });
}

const LIMITS = { name: NAME, handshakeTimeoutMs: NEVER_MS, heartbeatMs: 0 } as const;
