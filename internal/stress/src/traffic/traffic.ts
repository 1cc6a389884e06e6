import { setImmediate as nextMacrotask, setTimeout as pause } from "node:timers/promises";
import {
  type DataMessage,
  isIpcError,
  type Peer,
  type StatusMessage,
  type TimeoutMessage,
  timeoutMessage,
} from "@ipc/client";
import { reportBroken } from "../process/calls.js";
import { count } from "../report/figure.js";
import type { Waits } from "../waits.js";
import { decodeNumbered, encodeNumbered, type Numbered, type Side, typeOf } from "./message.js";
import { type Arrived, OrderCheck } from "./order-check.js";

/** timed: reads that give up after a millisecond. aborted: reads whose signal fires after one. */
export const READING_STYLES = ["read", "timed", "aborted", "iterate", "listen"] as const;
type ReadingStyle = (typeof READING_STYLES)[number];

/** Looks in a row, a millisecond apart, that find nothing taken: then nothing is. */
const STALLED_LOOKS = 50;

export interface TrafficOptions {
  readonly peer: Peer;
  readonly side: Side;
  /** The seed of each message that it writes. */
  readonly seed: number;
  /** The seed of each message that the other side writes. @default that of the first */
  readonly peerSeed?: number;
  /** Its connections are numbered from here on. */
  readonly firstConnection: number;
  /** The bytes of each message that it writes on a connection: on every connection anew, without end or with one. */
  readonly sizes: () => Iterable<number>;
  /** Writes in progress at once. */
  readonly window: number;
  /** Between two writes. */
  readonly pauseMs: number;
  /** Writes nothing on every second connection until it is to finish: a process killed then has read everything. */
  readonly restsOnOdd: boolean;
  readonly reading: ReadingStyle;
  /** Iterations of the event loop between two reads, or in which a listener is paused. */
  readonly readPause: number;
  /** Tracks everything that must settle. */
  readonly waits: Waits;
  /** Counts codes by where they were seen: `lost`, `write`, `flush`, `read`, `close`, `error`. */
  readonly codes: Record<string, number>;
  /** Called after each message that came, and when everything has been written and heard. */
  readonly changed: () => void;
}

/** Counts the code of an error. One without a code of this library must never come. */
export function countCode(codes: Record<string, number>, where: string, error: unknown): void {
  if (isIpcError(error)) count(codes, `${where} ${error.code}`);
  else reportBroken(error);
}

/**
 * One side of a conversation: writes numbered messages on every connection anew, and checks what it hears. The client asks
 * when it has written everything, and the server answers when it has, too: then that connection has carried all.
 */
export class Traffic {
  readonly #options: TrafficOptions;
  #check: OrderCheck | undefined;
  #latest: Numbered | undefined;
  #heard = 0;
  readonly #sent = new Map<number, number>();
  /** The connection that is written to, the messages that it has accepted, and whether all data is among them. */
  #connection = -1;
  #accepted = 0;
  #hasSentData = false;
  /** Server: an ask that has not been answered. */
  #ask: number | undefined;
  /** The connection that has carried everything, as far as this side knows. */
  #complete = -1;
  #isFinishing = false;
  #resumeWriting = (): void => {};
  /** Resolves when it is to finish. */
  readonly #rest = new Promise<void>((resolve) => {
    this.#resumeWriting = resolve;
  });

  constructor(options: TrafficOptions) {
    this.#options = options;
    const { peer, codes, waits } = options;
    peer.on("lost", (error) => countCode(codes, "lost", error));
    peer.on("error", (error) => countCode(codes, "error", error));
    peer.on("status", (status) => {
      if (status === "Connected") this.#begin();
    });
    void waits.track("the close event", new Promise<void>((resolve) => peer.once("close", resolve)));
    void waits.track("the reads", this.#read());
    this.#begin();
  }

  get heard(): number {
    return this.#heard;
  }

  get queuedBytes(): number {
    return this.#options.peer.stats.queuedBytes;
  }

  /** How many messages were written to each connection. */
  get sent(): readonly Arrived[] {
    return [...this.#sent].map(([connection, messages]) => ({ connection, messages }));
  }

  get arrived(): readonly Arrived[] {
    return this.#check?.arrived ?? [];
  }

  /** Whether the connection that stands has carried everything. */
  get isComplete(): boolean {
    return this.holds(this.#complete);
  }

  /** The message that came last, unless a new connection has been made since. */
  get latest(): Numbered | undefined {
    return this.holds(this.#connection) ? this.#latest : undefined;
  }

  /** Whether this connection, counted from 0 on, stands. */
  holds(connection: number): boolean {
    return this.#options.peer.status === "Connected" && this.#options.peer.stats.reconnects === connection;
  }

  /** Ends what is written without end. */
  finish(): void {
    this.#isFinishing = true;
    this.#resumeWriting();
  }

  /** Resolves with how many messages were accepted when nothing is taken any more. */
  async stall(): Promise<number> {
    let before = -1;
    for (let looks = 0; looks < STALLED_LOOKS; looks++) {
      await pause(1);
      if (this.#accepted !== before || this.queuedBytes === 0) looks = 0;
      before = this.#accepted;
    }
    return before;
  }

  close(timeoutMs?: number): void {
    void this.#settle("close", "close", this.#options.peer.close({ ...(timeoutMs !== undefined && { timeoutMs }) }));
  }

  /** Settles in any case. */
  async #settle(name: string, where: string, promise: Promise<unknown>): Promise<boolean> {
    const { waits, codes } = this.#options;
    try {
      await waits.track(name, promise);
      return true;
    } catch (error) {
      countCode(codes, where, error);
      return false;
    }
  }

  async #read(): Promise<void> {
    const { peer, reading, codes } = this.#options;
    const reads = { read: () => peer.read(), timed: () => peer.readTimed(1), aborted: () => readOrAbort(peer) };
    try {
      if (reading === "listen") this.#listen();
      else if (reading === "iterate") await this.#iterate();
      else await this.#readAll(reads[reading]);
    } catch (error) {
      countCode(codes, "read", error);
    }
  }

  /** Ends by rejecting: a reader learns of the end in this way. */
  async #readAll(read: () => Promise<DataMessage | StatusMessage | TimeoutMessage>): Promise<never> {
    for (;;) {
      const received = await read();
      if (received.kind === "data") this.#hear(received, true);
      else if (received.kind === "status" && received.status === "Connected") this.#check?.connected();
      await this.#pause();
    }
  }

  async #iterate(): Promise<void> {
    for await (const message of this.#options.peer) {
      // Statuses are events beside the iteration, which may still hold an earlier message.
      this.#hear(message, false);
      await this.#pause();
    }
  }

  #listen(): void {
    const { peer, readPause } = this.#options;
    peer.on("status", (status) => {
      if (status === "Connected") this.#check?.connected();
    });
    peer.on("message", (message) => {
      this.#hear(message, true);
      if (readPause === 0) return;
      peer.pause();
      void this.#pause().then(() => peer.resume());
    });
  }

  async #pause(): Promise<void> {
    for (let left = this.#options.readPause; left > 0; left--) await nextMacrotask();
  }

  #hear({ type, data }: DataMessage, hasStatuses: boolean): void {
    try {
      const message = decodeNumbered(type, data);
      const { side, peerSeed = message.seed, changed } = this.#options;
      this.#check ??= new OrderCheck(peerSeed, side === "server" ? "client" : "server");
      this.#check.take(message, hasStatuses);
      this.#latest = message;
      this.#heard++;
      if (message.kind === "ask") this.#ask = message.connection;
      if (message.kind === "answer") this.#complete = message.asked - this.#options.firstConnection;
      this.#answer();
      changed();
    } catch (error) {
      reportBroken(error);
    }
  }

  #begin(): void {
    const { peer, waits } = this.#options;
    if (peer.status !== "Connected" || peer.stats.reconnects === this.#connection) return;
    this.#connection = peer.stats.reconnects;
    this.#accepted = 0;
    this.#hasSentData = false;
    void waits.track(`sending on connection ${this.#connection}`, this.#sendAll(this.#connection));
  }

  async #sendAll(connection: number): Promise<void> {
    const { peer, side, sizes, window, pauseMs, restsOnOdd } = this.#options;
    if (restsOnOdd && connection % 2 === 1) await this.#rest;
    const inProgress: Promise<boolean>[] = [];
    for (const size of sizes()) {
      if (this.#isFinishing || !this.holds(connection)) break;
      inProgress.push(this.#send("data", size));
      if (inProgress.length >= window && (await inProgress.shift()) === false) return;
      if (pauseMs > 0) await pause(pauseMs);
    }
    await Promise.all(inProgress);
    if (!this.holds(connection)) return;
    this.#hasSentData = true;
    if (side === "server") this.#answer();
    else void this.#send("ask");
    await this.#settle("flush", "flush", peer.flush());
  }

  #answer(): void {
    if (this.#ask === undefined || !this.#hasSentData || !this.holds(this.#connection)) return;
    void this.#send("answer", undefined, this.#ask);
    this.#ask = undefined;
    this.#complete = this.#connection;
    this.#options.changed();
  }

  /** Writes the next message of the connection that stands. Resolves with whether it was accepted. */
  async #send(kind: Numbered["kind"], size?: number, asked = 0): Promise<boolean> {
    const { peer, side, seed, firstConnection } = this.#options;
    const own = this.#connection;
    const connection = firstConnection + own;
    const number = this.#sent.get(connection) ?? 0;
    this.#sent.set(connection, number + 1);
    const data = encodeNumbered({ seed, from: side, connection, number, kind, asked }, size);
    const name = `write ${number} on connection ${connection}`;
    const isAccepted = await this.#settle(name, "write", peer.write(typeOf(number), data));
    if (isAccepted && own === this.#connection) this.#accepted = number + 1;
    return isAccepted;
  }
}

/** A read that gives up loses nothing: what comes later is for the next read. */
async function readOrAbort(peer: Peer): Promise<DataMessage | StatusMessage | TimeoutMessage> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), 1);
  try {
    return await peer.read({ signal: giveUp.signal });
  } catch (error) {
    if (isIpcError(error) && error.code === "IPC_ABORTED") return timeoutMessage;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
