import { generateKeyPair } from "node:crypto";
import { setImmediate as nextMacrotask } from "node:timers/promises";
import { promisify } from "node:util";
import type { startClient } from "@ipc/client";
import type { startServer } from "@ipc/server";
import type { Fault } from "./faulty-link.js";
import { FaultyNetwork } from "./faulty-network.js";
import { BrokenPromise, Ledger } from "./ledger.js";
import { ResumeSide } from "./resume-side.js";

export type SideName = "server" | "client";

/** The functions under test. */
export interface Packages {
  readonly startClient: typeof startClient;
  readonly startServer: typeof startServer;
}

/** One step of a program of both sides and of the network between them. */
export type Step =
  | { readonly kind: "write"; readonly side: SideName; readonly bytes: number; readonly untilTaken: boolean }
  | { readonly kind: "take"; readonly side: SideName; readonly messages: number }
  | { readonly kind: "fault"; readonly fault: Fault; readonly isNext: boolean }
  | { readonly kind: "turn"; readonly rounds: number }
  | { readonly kind: "settle" | "release" | "expire at the server" | "expire" | "kill server" | "kill client" };

const NAME = "resume";
const SERVER_TTL_MS = 1_000_000;
const CLIENT_TTL_MS = 100_000_000;
/** So small that writes wait. */
const BUFFER_BYTES = 16_384;
const NEVER_MS = 2_147_483_647;
/** The longest pause for an acknowledgement. */
const ACK_MS = 20;
/** Rounds without progress, each one as long as some steps of a handshake, after which nothing comes any more. */
const STALLED_ROUNDS = 150;
/** Rounds in which a connection is made again and again, and nothing comes of it. */
const MOST_ROUNDS = 1_000;

const inThreadPool = promisify(generateKeyPair);

/** A server, a client and a network that fails, and the reference of both directions. */
export class ResumeWorld {
  readonly #packages: Packages;
  /** Lets the stopped clock go on. */
  readonly #pass: (ms: number) => void;
  readonly #network = new FaultyNetwork();
  readonly #toServer = new Ledger("to the server");
  readonly #toClient = new Ledger("to the client");
  #server: ResumeSide | undefined;
  #client: ResumeSide | undefined;
  #processes = 0;
  /** Whether the server proves to the client how much it has received when the session is lost. */
  #serverKnows = true;

  constructor(packages: Packages, pass: (ms: number) => void) {
    this.#packages = packages;
    this.#pass = pass;
  }

  async start(): Promise<void> {
    await this.#startServer();
    void this.#startClient();
    await this.#settled();
  }

  /** @throws BrokenPromise */
  async play(step: Step): Promise<void> {
    switch (step.kind) {
      case "write":
        this.#side(step.side)?.write(step.bytes, step.untilTaken);
        break;
      case "take":
        this.#side(step.side)?.allow(step.messages);
        break;
      case "fault":
        this.#fail(step.fault, step.isNext);
        break;
      case "turn":
        await this.#turn(step.rounds);
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
      case "kill server":
        await this.#killServer();
        break;
      case "kill client":
        await this.#killClient();
        break;
    }
    this.#check();
  }

  /** Lets both sides take everything, and closes them. @throws BrokenPromise */
  async finish(): Promise<void> {
    await this.#settled();
    // A cut is final for a side that closes.
    this.#network.calm();
    for (const side of [this.#server, this.#client]) side?.allow(Number.POSITIVE_INFINITY);
    await this.#until(
      "everything has arrived",
      () => this.#missing.length === 0,
      () => this.#missing.join(", "),
    );
    await this.#client?.peer.close();
    await this.#server?.peer.close();
    this.#check();
  }

  destroy(): void {
    for (const side of [this.#server, this.#client]) side?.kill();
  }

  get #missing(): string[] {
    const sides = [this.#server, this.#client].flatMap((side) => side ?? []);
    const writes = sides.filter((side) => side.pendingWrites > 0).map(() => "writes have not settled");
    const kept = sides.filter(({ peer }) => peer.stats.unacknowledgedMessages > 0).map(() => "messages are kept");
    return [...this.#toServer.missing, ...this.#toClient.missing, ...writes, ...kept];
  }

  get #isConnected(): boolean {
    const areBoth = [this.#server, this.#client].every((side) => side?.peer.status === "Connected");
    return areBoth && this.#network.latest?.isWhole === true;
  }

  #side(name: SideName): ResumeSide | undefined {
    return name === "server" ? this.#server : this.#client;
  }

  async #startServer(): Promise<void> {
    const { transport } = this.#network;
    const resume = { ttlMs: SERVER_TTL_MS, bufferBytes: BUFFER_BYTES };
    const server = await this.#packages.startServer({ ...LIMITS, transport, resume });
    this.#server = new ResumeSide(server, this.#processes++, this.#toClient, this.#toServer, () => false);
  }

  async #startClient(): Promise<void> {
    const { transport } = this.#network;
    const resume = { ttlMs: CLIENT_TTL_MS, bufferBytes: BUFFER_BYTES };
    const client = await this.#packages.startClient({ ...LIMITS, transport, resume, retryMs: 0 });
    this.#client = new ResumeSide(client, this.#processes++, this.#toServer, this.#toClient, () => this.#serverKnows);
  }

  /**
   * A server that has sent its last bytes of a handshake, which the client does not get, has a session that the client does not know,
   * and is full until it notices: in a handshake the server's side does not stay.
   */
  #fail(fault: Fault, isNext: boolean): void {
    const isHandshake = isNext || !this.#isConnected;
    const isCut = isHandshake && fault.direction === "toClient";
    this.#network.fail(isCut ? { ...fault, kind: "cut" } : fault, isNext);
  }

  /** What the network holds reaches the server late, and disturbs no connection that stands. */
  async #release(): Promise<void> {
    const { latest } = this.#network;
    if (!this.#isConnected) return;
    this.#network.release();
    await this.#turn(10);
    if (latest?.isWhole === true && this.#network.latest !== latest)
      throw new BrokenPromise("bytes of an old connection ended the one that stands");
  }

  async #expire(ms: number): Promise<void> {
    await this.#settled();
    this.#network.down();
    await this.#until("both sides notice", () =>
      [this.#server, this.#client].every((one) => one?.peer.status === "Reconnecting"),
    );
    this.#serverKnows = ms < CLIENT_TTL_MS;
    this.#pass(ms + 1);
    this.#network.up();
    await this.#settled();
    this.#serverKnows = true;
  }

  async #killServer(): Promise<void> {
    await this.#settled();
    this.#serverKnows = false;
    this.#network.loseAll();
    this.#server?.kill();
    await this.#startServer();
    await this.#settled();
    this.#serverKnows = true;
  }

  async #killClient(): Promise<void> {
    await this.#settled();
    this.#network.loseAll();
    this.#client?.kill();
    this.#client = undefined;
    void this.#startClient();
    await this.#settled();
  }

  /** Waits until both sides are connected. */
  #settled(): Promise<void> {
    return this.#until("both sides are connected", () => this.#isConnected);
  }

  async #until(what: string, isSo: () => boolean, describe = (): string => ""): Promise<void> {
    let stalled = 0;
    for (let round = 0; !isSo(); round++) {
      if (stalled > STALLED_ROUNDS || round > MOST_ROUNDS)
        throw new BrokenPromise(`stands still before ${what} ${describe()}`);
      const before = this.#network.passedBytes;
      await this.#turn(1);
      // Key agreements run in threads, which a turn of the event loop does not wait for.
      if (!this.#isConnected) await inThreadPool("ec", { namedCurve: "P-384" });
      stalled = this.#network.passedBytes === before ? stalled + 1 : 0;
      this.#check();
    }
  }

  /** Lets the event loop turn, and an acknowledgement become due. */
  async #turn(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < 4; turn++) await nextMacrotask();
      this.#pass(ACK_MS);
    }
  }

  #check(): void {
    for (const side of [this.#server, this.#client]) if (side?.failure !== undefined) throw side.failure;
  }
}

const LIMITS = { name: NAME, handshakeTimeoutMs: NEVER_MS, heartbeatMs: 0 } as const;
