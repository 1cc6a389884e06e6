import { setImmediate as nextTurn } from "node:timers/promises";
import {
  type DataMessage,
  isIpcError,
  type Peer,
  type StatusMessage,
  type TimeoutMessage,
  timeoutMessage,
} from "@ipc/client";
import type { Waits } from "@ipc-internal/seeded";
import type { PeerReport, Told } from "./command.js";
import type { PeerPlan, Side } from "./fault-plan.js";
import { decodeNumbered, encodeNumbered, type Numbered, typeOf } from "./numbered-message.js";
import { OrderCheck } from "./order-check.js";

export interface ConversationOptions {
  readonly peer: Peer;
  readonly side: Side;
  readonly seed: number;
  readonly plan: PeerPlan;
  readonly waits: Waits;
  readonly tell: (told: Told) => void;
}

/**
 * One side of a run: sends all its messages on every connection anew, checks what it hears, and notes every code it meets.
 * The client asks when it has sent everything, the server answers when it has too: then that connection has carried all.
 */
export class Conversation {
  readonly #options: ConversationOptions;
  readonly #check: OrderCheck;
  readonly #codes = new Set<string>();
  readonly #sent = new Map<number, number>();
  /** Writes that have not settled, and everything else that must settle before it is over. */
  readonly #pending = new Set<Promise<unknown>>();
  /** The connection that is written to, and whether all data is. */
  #connection = -1;
  #hasSentData = false;
  /** Server: an ask that has not been answered. */
  #ask: number | undefined;

  constructor(options: ConversationOptions) {
    this.#options = options;
    const { peer, side, seed } = options;
    this.#check = new OrderCheck(seed, side === "server" ? "client" : "server");
    peer.on("lost", (error) => this.note("lost", error));
    peer.on("error", (error) => this.note("error", error));
    peer.on("status", (status) => {
      if (status === "Connected") this.#begin();
    });
    this.#await("the close event", new Promise<void>((resolve) => peer.once("close", resolve)));
    this.#await("the reads", this.#read());
    this.#begin();
  }

  /** Whether the answer for this connection has been heard, and it still stands. */
  holds(connection: number): boolean {
    return this.#options.peer.status === "Connected" && this.#options.peer.stats.reconnects === connection;
  }

  close(timeoutMs: number): void {
    this.#await("close", this.#noting("close", this.#options.peer.close({ timeoutMs })));
  }

  destroy(): void {
    this.#options.peer.destroy("the plan says so");
  }

  /** Resolves when nothing waits any more. */
  async over(): Promise<PeerReport> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    const sent = [...this.#sent].map(([connection, messages]) => ({ connection, messages }));
    return { sent, arrived: this.#check.arrived, codes: [...this.#codes] };
  }

  /** Keeps the code of an error; one without a code of ours must never come. */
  note(where: string, error: unknown): void {
    if (isIpcError(error)) this.#codes.add(`${where} ${error.code}`);
    else this.#break(error);
  }

  #break(error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.tell({ kind: "broken", message });
  }

  #await(name: string, promise: Promise<unknown>): void {
    const tracked = this.#options.waits.track(name, promise);
    this.#pending.add(tracked);
    void tracked.then(() => this.#pending.delete(tracked));
  }

  async #noting(where: string, promise: Promise<unknown>): Promise<void> {
    try {
      await promise;
    } catch (error) {
      this.note(where, error);
    }
  }

  async #read(): Promise<void> {
    const { peer, plan } = this.#options;
    const reads = { read: () => peer.read(), timed: () => peer.readTimed(1), aborted: () => readOrAbort(peer) };
    switch (plan.reading) {
      case "read":
      case "timed":
      case "aborted":
        return this.#noting("read", this.#readAll(reads[plan.reading]));
      case "iterate":
        return this.#noting("read", this.#iterate());
      case "listen":
        this.#listen();
    }
  }

  /** Ends by rejecting: that is how a reader learns of the end. */
  async #readAll(read: () => Promise<DataMessage | StatusMessage | TimeoutMessage>): Promise<never> {
    for (;;) {
      const received = await read();
      if (received.kind === "data") this.#hear(received, true);
      else if (received.kind === "status" && received.status === "Connected") this.#check.connected();
      await this.#pause();
    }
  }

  async #iterate(): Promise<void> {
    for await (const message of this.#options.peer) {
      // Statuses are told as events beside the iteration, which may hold a message of before.
      this.#hear(message, false);
      await this.#pause();
    }
  }

  #listen(): void {
    const { peer, plan } = this.#options;
    peer.on("status", (status) => {
      if (status === "Connected") this.#check.connected();
    });
    peer.on("message", (message) => {
      this.#hear(message, true);
      if (plan.readPause === 0) return;
      peer.pause();
      void this.#pause().then(() => peer.resume());
    });
  }

  async #pause(): Promise<void> {
    for (let left = this.#options.plan.readPause; left > 0; left--) await nextTurn();
  }

  #hear({ type, data }: DataMessage, told: boolean): void {
    try {
      const message = decodeNumbered(type, data);
      this.#check.take(message, told);
      this.#react(message);
    } catch (error) {
      this.#break(error);
    }
  }

  #react({ kind, connection, asked }: Numbered): void {
    switch (kind) {
      case "data":
        return;
      case "ask":
        this.#ask = connection;
        this.#answer();
        return;
      case "answer":
        if (this.holds(asked)) this.#options.tell({ kind: "complete", connection: asked });
    }
  }

  #begin(): void {
    const { peer } = this.#options;
    if (peer.status !== "Connected" || peer.stats.reconnects === this.#connection) return;
    this.#connection = peer.stats.reconnects;
    this.#hasSentData = false;
    this.#await(`sending on connection ${this.#connection}`, this.#sendAll(this.#connection));
  }

  async #sendAll(connection: number): Promise<void> {
    const { peer, plan, side } = this.#options;
    const underWay: Promise<void>[] = [];
    for (const size of plan.sizes) {
      if (!this.holds(connection)) return;
      underWay.push(this.#send("data", size));
      if (underWay.length >= plan.window) await underWay.shift();
    }
    await Promise.all(underWay);
    if (!this.holds(connection)) return;
    this.#hasSentData = true;
    if (side === "server") this.#answer();
    else void this.#send("ask");
    await this.#noting("flush", peer.flush());
  }

  #answer(): void {
    if (this.#ask === undefined || !this.#hasSentData || !this.holds(this.#connection)) return;
    void this.#send("answer", undefined, this.#ask);
    this.#ask = undefined;
  }

  /** Writes the next message of the connection that stands. */
  #send(kind: Numbered["kind"], size?: number, asked = 0): Promise<void> {
    const { peer, side, seed } = this.#options;
    const connection = this.#connection;
    const number = this.#sent.get(connection) ?? 0;
    this.#sent.set(connection, number + 1);
    const data = encodeNumbered({ seed, from: side, connection, number, kind, asked }, size);
    const written = this.#noting("write", peer.write(typeOf(number), data));
    this.#await(`write ${number} on connection ${connection}`, written);
    return written;
  }
}

/** Nothing is lost by giving up: what comes later is for the next read. */
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
