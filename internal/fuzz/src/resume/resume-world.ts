import { setImmediate as nextMacrotask } from "node:timers/promises";
import { BrokenPromise } from "./ledger.js";
import { Pace } from "./pace.js";
import type { Step } from "./program.js";
import { CLIENT_TTL_MS, NEVER_MS, type PeersStart, ResumePeers, SERVER_TTL_MS } from "./resume-peers.js";
import type { ResumeSide } from "./resume-side.js";

/** The clients of a manager, at most; a server has one. */
const MOST_CLIENTS = 3;
/** Longer than a manager takes for a handshake whose bytes are all there. */
const LATE_ROUNDS = 10;
/** How long a message is that is written in the middle of a step, in bytes. */
const LATE_BYTES = 20;

/** The sessions without a connection that a manager keeps in these programs, of which none has a thousand clients. */
export const FEW_DETACHED = {
  package: "session",
  code: "MAX_DETACHED = 1024",
  instead: "MAX_DETACHED = 1",
} as const;
const MAX_DETACHED = 1;

export interface WorldStart extends PeersStart {
  /** Lets the stopped clock go on. */
  readonly pass: (ms: number) => void;
}

/** Plays a program: a server or a manager, its clients and networks that fail, and the reference of both directions. */
export class ResumeWorld {
  readonly #start: WorldStart;
  readonly #peers: ResumePeers;
  readonly #pace: Pace;

  constructor(start: WorldStart) {
    this.#start = start;
    this.#peers = new ResumePeers(start);
    this.#pace = new Pace({
      pass: start.pass,
      progress: () => this.#peers.networks.reduce((sum, { passedBytes }) => sum + passedBytes, 0),
      isConnecting: () => !this.#peers.isConnected,
      check: () => this.#peers.check(),
      // A server that has sent its last bytes of a handshake, which the client does not get, is full until it notices.
      onStalled: () => this.#peers.notice(),
    });
  }

  async start(): Promise<void> {
    const network = this.#peers.addNetwork();
    await this.#peers.startHost();
    this.#peers.clients = [this.#peers.startClient(network)];
    await this.#settled();
  }

  /** @throws BrokenPromise */
  async play(step: Step): Promise<void> {
    switch (step.kind) {
      case "write":
        this.#peers.side(step.side, step.of)?.write(step.bytes, step.untilTaken);
        break;
      case "take":
        this.#peers.side(step.side, step.of)?.allow(step.messages);
        break;
      case "fault":
        this.#peers.client(step.of).network.fail(step.fault, step.isNext);
        break;
      case "turn":
        await this.#pace.turn(step.rounds);
        break;
      case "settle":
        await this.#settled();
        break;
      case "release":
        await this.#release();
        break;
      case "expire at the server":
        await this.#expire(SERVER_TTL_MS);
        break;
      case "expire":
        await this.#expire(CLIENT_TTL_MS);
        break;
      case "close":
        await this.#close(step);
        break;
      case "kill server":
        await this.#killServer();
        break;
      case "kill client":
        await this.#killClient(step.of);
        break;
      case "second client":
        if (this.#start.kind === "server") await this.#replaceClient();
        else await this.#addClient();
        break;
      case "evict":
        await this.#evict();
        break;
    }
    this.#peers.check();
  }

  /** Lets all sides take everything, and closes them. @throws BrokenPromise */
  async finish(): Promise<void> {
    await this.#settled();
    // A cut is final for a side that closes.
    this.#peers.calm();
    for (const side of this.#peers.sides) side.allow(Number.POSITIVE_INFINITY);
    await this.#endForgotten();
    await this.#pace.until(
      "everything has arrived",
      () => this.#peers.missing.length === 0,
      () => this.#peers.missing.join(", "),
    );
    for (const side of this.#peers.clientSides) await side.peer.close();
    await this.#peers.host?.close();
    this.#peers.check();
  }

  destroy(): void {
    this.#peers.destroy();
  }

  /** Lets the held bytes reach the server late: they disturb no connection that stands. */
  async #release(): Promise<void> {
    if (!this.#peers.isConnected) return;
    for (const { network } of this.#peers.clients) network.release();
    await this.#pace.shakeHands(LATE_ROUNDS);
  }

  async #expire(ms: number): Promise<void> {
    await this.#settled();
    await this.#allDown();
    this.#peers.serverKnows = ms < CLIENT_TTL_MS;
    this.#start.pass(ms + 1);
    await this.#allUp();
    this.#peers.serverKnows = true;
  }

  /** All clients are away at the same time, more than a manager remembers. */
  async #evict(): Promise<void> {
    await this.#settled();
    if (this.#peers.clients.length === 1) await this.#addClient();
    await this.#allDown();
    const kept = this.#peers.hostSides.length;
    if (kept !== MAX_DETACHED)
      throw new BrokenPromise(`${kept} sessions without a connection are kept, and not ${MAX_DETACHED}`);
    await this.#allUp();
  }

  async #allDown(): Promise<void> {
    this.#peers.notice();
    for (const { network } of this.#peers.clients) network.down();
    await this.#pace.until(
      "all sides notice",
      () =>
        this.#peers.host?.connected === 0 &&
        this.#peers.clients.every(({ side }) => side?.peer.status === "Reconnecting"),
    );
  }

  async #allUp(): Promise<void> {
    for (const { network } of this.#peers.clients) network.up();
    await this.#settled();
  }

  async #addClient(): Promise<void> {
    if (this.#peers.clients.length < MOST_CLIENTS)
      this.#peers.clients.push(this.#peers.startClient(this.#peers.addNetwork()));
    await this.#settled();
  }

  /** A new client takes the place of one that is away, which comes back and is told, and ends. */
  async #replaceClient(): Promise<void> {
    await this.#settled();
    const old = this.#peers.client(0);
    const losses = old.side?.losses;
    await this.#allDown();
    for (const side of this.#peers.sides) side.write(LATE_BYTES, false);
    const next = this.#peers.startClient(this.#peers.addNetwork());
    this.#peers.clients = [next];
    await this.#settled();
    this.#peers.clients = [next, old];
    old.network.up();
    await this.#pace.until("the client that was replaced is told", () => old.side?.losses !== losses);
    old.network.loseAll();
    old.side?.kill();
    this.#peers.clients = [next];
    await this.#settled();
  }

  /** Ends the sessions of which no client knows any more. */
  async #endForgotten(): Promise<void> {
    this.#peers.notice();
    const isOver = (): boolean => this.#peers.hostSides.length === this.#peers.clients.length;
    await this.#pace.turn(2);
    if (!isOver()) this.#start.pass(SERVER_TTL_MS + 1);
    await this.#pace.until("forgotten sessions end", isOver);
  }

  async #close({ side, of, late, isRead }: Extract<Step, { readonly kind: "close" }>): Promise<void> {
    await this.#settled();
    this.#peers.calm();
    await this.#endForgotten();
    const { host } = this.#peers;
    const client = this.#peers.client(of).side;
    // Also what came over connections that have ended can still be taken, until the process closes.
    const closing = side === "client" ? [client].flatMap((one) => one ?? []) : (host?.sides ?? []);
    const others = side === "client" ? this.#peers.hostSides : this.#peers.clientSides;
    if (isRead) {
      for (const one of closing) one.allow(Number.POSITIVE_INFINITY);
      await this.#pace.until(
        "the side that closes has read everything",
        () => others.every(hasSent) && closing.every(({ peer }) => peer.stats.unreadBytes === 0),
      );
    }
    this.#peers.closing = isRead;
    // It waits until this is acknowledged, and has told before that it receives nothing more.
    for (const one of closing) one.write(LATE_BYTES, false);
    let outcome: unknown;
    const closed = side === "client" ? client?.peer.close({ timeoutMs: NEVER_MS }) : host?.close();
    closed?.then(
      () => (outcome = "closed"),
      (error: unknown) => (outcome = error),
    );
    for (let each = 0; each < late; each++) {
      for (const one of others) one.write(LATE_BYTES, false);
      await nextMacrotask();
    }
    await this.#pace.until("it is closed", () => outcome !== undefined);
    if (outcome !== "closed") throw new BrokenPromise(`close: ${outcome}`, { cause: outcome });
    for (const one of closing) one.close(isRead);
    if (side === "client") this.#peers.restartClient(of);
    else await this.#peers.startHost();
    await this.#settled();
    this.#peers.closing = undefined;
  }

  async #killServer(): Promise<void> {
    await this.#settled();
    this.#peers.serverKnows = false;
    for (const network of this.#peers.networks) network.loseAll();
    this.#peers.host?.kill();
    await this.#peers.startHost();
    await this.#settled();
    this.#peers.serverKnows = true;
  }

  async #killClient(of: number): Promise<void> {
    await this.#settled();
    const { network, side } = this.#peers.client(of);
    network.loseAll();
    side?.kill();
    this.#peers.restartClient(of);
    await this.#settled();
  }

  /** Waits until all sides are connected. */
  #settled(): Promise<void> {
    return this.#pace.until("all sides are connected", () => this.#peers.isConnected);
  }
}

/** Whether the other side has received all that it has written. */
const hasSent = ({ peer, pendingWrites }: ResumeSide): boolean =>
  peer.stats.unacknowledgedMessages === 0 && pendingWrites === 0;
