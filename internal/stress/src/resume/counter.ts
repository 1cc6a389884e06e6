// One side of a session that is resumed, in a process of its own: numbers what it writes, and checks what it takes. usage: counter.js
import { openSync, writeSync } from "node:fs";
import { setImmediate as nextMacrotask, setTimeout as pause } from "node:timers/promises";
import { isConnectionError, type Peer, type SessionLostError, startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { reportBroken, reportNews, serveCalls } from "../process/calls.js";
import { decodeNumbered, encodeNumbered, type Side, typeOf } from "../traffic/message.js";
import { OrderCheck } from "../traffic/order-check.js";

/** The process that writes stands in the upper bits of a session's number. */
const SESSION_BITS = 16;
const SEED = 1;
/** How long it waits while the other side has much to acknowledge, in milliseconds. */
const PAUSE_MS = 1;
/** How a session may end: a server may also not have noticed yet that the client before has ended. */
const TOLERATED: ReadonlySet<string> = new Set(["IPC_SESSION_LOST", "IPC_SERVER_BUSY"]);

export interface Start {
  readonly side: Side;
  readonly name: string;
  readonly directory: string;
  readonly ttlMs: number;
  readonly bufferBytes: number;
  /** A session does not expire during a handshake that may continue it. */
  readonly handshakeTimeoutMs: number;
  /** The pause of a client before it dials again. @default the back-off of every client */
  readonly retryMs?: number;
  /** Which process in this place it is, from 0 on. */
  readonly life: number;
  /** Gets each message that was taken as a line, `session number`; a file outlives the process. */
  readonly log?: string;
}

/** The report that this side got of a lost session. */
export interface Loss {
  /** Whether the server had not noticed yet that the client before has ended: nothing of this session arrives. */
  readonly isBusy: boolean;
  /** The number of its writer's session, different for each. */
  readonly session: number;
  readonly accepted: number;
  /** The numbers of the undelivered messages, in order. */
  readonly undelivered: readonly number[];
  readonly unconfirmed: number;
  /** The number of the first message that was written while there was no connection any more. */
  readonly awayFrom: number;
}

export interface CounterReport {
  /** In the session that stands. */
  readonly written: number;
  readonly taken: number;
  readonly resumes: number;
  readonly sentAgain: number;
  readonly losses: readonly Loss[];
}

export interface CounterNews {
  readonly kind: "connected" | "lost";
}

class Counter {
  readonly #peer: Peer;
  readonly #order: Start;
  readonly #check: OrderCheck;
  /** Messages of the session that stands. */
  #written = 0;
  #taken = 0;
  #sentAgain = 0;
  /** Since when the session has had no connection: the number of the next message then, and how often it had been resumed. */
  #away: { readonly from: number; readonly resumes: number } | undefined;
  readonly #losses: Loss[] = [];
  #isFinishing = false;
  #isOver = false;
  #counting: Promise<void> = Promise.resolve();
  #wanted: { readonly messages: number; readonly resolve: () => void } | undefined;

  constructor(peer: Peer, order: Start) {
    this.#peer = peer;
    this.#order = order;
    this.#check = new OrderCheck(SEED, order.side === "server" ? "client" : "server");
    peer.on("status", (status) => {
      if (status === "Connected") reportNews<CounterNews>({ kind: "connected" });
    });
    peer.on("resumed", ({ sentAgain }) => {
      this.#sentAgain += sentAgain;
    });
    peer.on("lost", (error) => {
      if ("unconfirmed" in error && TOLERATED.has(error.code)) this.#lose(error);
      else reportBroken(error);
    });
    void this.#take().catch((error) => {
      if (!this.#isOver) reportBroken(error);
    });
  }

  get report(): CounterReport {
    const { resumes } = this.#peer.stats;
    return { written: this.#written, taken: this.#taken, resumes, sentAgain: this.#sentAgain, losses: this.#losses };
  }

  /** Writes so many messages. Resolves when the other application has taken them. */
  async count(messages: number, bytes: number): Promise<void> {
    for (let left = messages; left > 0; left--) await this.#write(bytes);
    await this.#peer.flush({ until: "taken" });
  }

  /** Writes until `finish`, over lost sessions, too. */
  countOn(bytes: number): void {
    this.#counting = this.#countOn(bytes).catch(reportBroken);
  }

  async finish(): Promise<void> {
    this.#isFinishing = true;
    await this.#counting;
    while (!(await this.#flush())) await nextMacrotask();
  }

  /** Returns false if the session was lost meanwhile, or no other one is there yet. */
  async #flush(): Promise<boolean> {
    try {
      await this.#peer.flush({ until: "taken" });
      return true;
    } catch (error) {
      if (!isConnectionError(error)) throw error;
      return false;
    }
  }

  async #countOn(bytes: number): Promise<void> {
    // So that messages are accepted when the connection is gone, they never take more than half of what may be kept before.
    const half = this.#order.bufferBytes / 2;
    while (!this.#isFinishing) {
      const { status, stats } = this.#peer;
      if (status === "Connected" && stats.unacknowledgedBytes > half) {
        await pause(PAUSE_MS);
        continue;
      }
      try {
        await this.#write(bytes);
      } catch (error) {
        if (!isConnectionError(error)) throw error;
        // The session was lost while this write waited, or no other one is there yet.
        await nextMacrotask();
      }
    }
  }

  /** Resolves when a message was accepted that no connection could carry. */
  async writeAway(): Promise<void> {
    // The last one written may not be accepted yet.
    while (this.#away === undefined || this.#written - 1 <= this.#away.from) await nextMacrotask();
  }

  /** Resolves when so many more messages were taken. */
  take(messages: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wanted = { messages: this.#taken + messages, resolve };
    });
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#peer.close();
  }

  async #write(bytes: number): Promise<void> {
    const { side } = this.#order;
    const number = this.#written;
    const fields = { seed: SEED, from: side, connection: this.#session, number, asked: 0 };
    const losses = this.#losses.length;
    this.#noteAway();
    // Counted before it is accepted, because the session may be lost before this goes on.
    this.#written++;
    try {
      await this.#peer.write(typeOf(number), encodeNumbered({ ...fields, kind: "data" }, bytes));
    } catch (error) {
      const loss = this.#losses[losses];
      if (loss === undefined) this.#written--;
      else this.#losses[losses] = { ...loss, accepted: loss.accepted - 1 };
      throw error;
    }
  }

  #noteAway(): void {
    const { status, stats } = this.#peer;
    if (status !== "Reconnecting") this.#away = undefined;
    else if (this.#away?.resumes !== stats.resumes) this.#away = { from: this.#written, resumes: stats.resumes };
  }

  get #session(): number {
    return (this.#order.life << SESSION_BITS) + this.#losses.length;
  }

  #lose({ code, undelivered, unconfirmed }: SessionLostError): void {
    const isBusy = code === "IPC_SERVER_BUSY";
    const session = this.#session;
    const numbers = undelivered.map(({ type, data }) => decodeNumbered(type, data).number);
    const accepted = this.#written;
    const awayFrom = this.#away?.resumes === this.#peer.stats.resumes ? this.#away.from : accepted;
    this.#losses.push({ isBusy, session, accepted, undelivered: numbers, unconfirmed, awayFrom });
    this.#written = 0;
    this.#away = undefined;
    if (!isBusy) reportNews<CounterNews>({ kind: "lost" });
  }

  async #take(): Promise<void> {
    const { log: path } = this.#order;
    const log = path === undefined ? undefined : openSync(path, "a");
    for await (const { type, data } of this.#peer) {
      const message = decodeNumbered(type, data);
      this.#check.take(message, false);
      if (log !== undefined) writeSync(log, `${message.connection} ${message.number}\n`);
      this.#taken++;
      if (this.#wanted === undefined || this.#taken < this.#wanted.messages) continue;
      this.#wanted.resolve();
      this.#wanted = undefined;
    }
  }
}

async function startPeer({ side, ttlMs, bufferBytes, retryMs, ...place }: Start): Promise<Peer> {
  const { name, directory, handshakeTimeoutMs } = place;
  const options = { name, directory, handshakeTimeoutMs, resume: { ttlMs, bufferBytes, require: true } };
  return side === "client" ? startClient({ ...options, ...(retryMs && { retryMs }) }) : startServer(options);
}

let counter: Counter | undefined;
const the = (): Counter => {
  if (counter === undefined) throw new Error("not started");
  return counter;
};

const calls = {
  /** Resolves when it listens, or is connected. */
  async start(order: Start): Promise<void> {
    counter = new Counter(await startPeer(order), order);
  },

  count: ({ messages, bytes }: { messages: number; bytes: number }): Promise<void> => the().count(messages, bytes),

  countOn: (bytes: number): void => the().countOn(bytes),

  take: (messages: number): Promise<void> => the().take(messages),

  report: (): CounterReport => the().report,

  writeAway: (): Promise<void> => the().writeAway(),

  /** Writes no more. Resolves when what was written has been taken. */
  finish: (): Promise<void> => the().finish(),

  close: (): Promise<void> => the().close(),
};

export type CounterCalls = typeof calls;

serveCalls(calls);
