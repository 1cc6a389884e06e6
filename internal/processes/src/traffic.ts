import { setTimeout as pause } from "node:timers/promises";
import { isIpcError, type Peer } from "@ipc/client";
import { decodeNumbered, encodeNumbered, type Numbered, OrderCheck, type Side, typeOf } from "@ipc-internal/faults";
import { SeededRandom } from "@ipc-internal/seeded";
import type { Rate } from "./peer-order.js";

const MIN_MESSAGE_BYTES = 40;
const LIFE_BITS = 16;
/** Looks in a row, a millisecond apart, that find nothing taken: then nothing is. */
const STALLED_LOOKS = 50;

export interface TrafficOptions {
  readonly peer: Peer;
  readonly side: Side;
  readonly life: number;
  /** Which of its process's clients it is; 0 for a server. */
  readonly index: number;
  /** Its connections start here, where each is a peer of its own. */
  readonly firstConnection: number;
  /** As ordered. */
  readonly restsOnOdd: boolean;
  readonly rate: Rate;
  readonly codes: Codes;
  /** Called for every message that was heard. */
  readonly heard: () => void;
  /** Called for what must never come. */
  readonly broken: (error: unknown) => void;
}

/** Counts codes by where they were seen. */
export class Codes {
  readonly #counts: Record<string, number> = {};

  note(where: string, error: unknown): void {
    if (!isIpcError(error)) throw error;
    const name = `${where} ${error.code}`;
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
  }

  get counts(): Readonly<Record<string, number>> {
    return this.#counts;
  }
}

/**
 * One peer's share: it writes numbered messages on every connection that it gets, as fast as they are taken, and holds what it
 * hears against what the other side may have written.
 */
export class Traffic {
  readonly #options: TrafficOptions;
  readonly #random: SeededRandom;
  #check: OrderCheck | undefined;
  #latest: Numbered | undefined;
  #heard = 0;
  /** Messages accepted on the connection that stands. */
  #accepted = 0;
  #connection = -1;
  #isFinishing = false;
  #rested = (): void => {};
  /** Resolves when it is to finish, also if it was to be quiet until then. */
  readonly #rest = new Promise<void>((resolve) => {
    this.#rested = resolve;
  });
  /** Writes and reads that have not ended. */
  readonly #pending: Promise<void>[] = [];

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.life * 1_000 + options.index);
    const { peer, codes } = options;
    peer.on("lost", (error) => codes.note("lost", error));
    peer.on("status", (status) => {
      if (status === "Connected") this.#begin();
    });
    this.#pending.push(this.#read());
    this.#begin();
  }

  get heard(): number {
    return this.#heard;
  }

  get queuedBytes(): number {
    return this.#options.peer.stats.queuedBytes;
  }

  /** Whether so many messages have come on the latest connection, written by that life. */
  hasHeard(life: number, messages: number): boolean {
    return (
      this.#latest !== undefined &&
      this.#latest.connection >>> LIFE_BITS === life &&
      this.#latest.number + 1 >= messages &&
      this.#stands(this.#connection)
    );
  }

  /** Whether the other side has said on the latest connection that it has written everything, and this one has, too. */
  get isFinished(): boolean {
    return this.#isFinishing && this.#latest?.kind === "ask" && this.#stands(this.#connection);
  }

  finish(): void {
    this.#isFinishing = true;
    this.#rested();
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

  /** Resolves when nothing of it waits any more: after the peer's end. */
  async over(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #read(): Promise<void> {
    const { peer } = this.#options;
    try {
      for (;;) {
        const received = await peer.read();
        if (received.kind === "data") this.#take(decodeNumbered(received.type, received.data));
        else if (received.status === "Connected") this.#check?.connected();
      }
    } catch (error) {
      if (!isIpcError(error)) this.#options.broken(error);
    }
  }

  #take(message: Numbered): void {
    // A server knows its client from the first message on.
    this.#check ??= new OrderCheck(message.seed, this.#options.side === "server" ? "client" : "server");
    this.#check.take(message, true);
    this.#latest = message;
    this.#heard++;
    this.#options.heard();
  }

  #begin(): void {
    const { peer } = this.#options;
    if (peer.status !== "Connected" || peer.stats.reconnects === this.#connection) return;
    this.#connection = peer.stats.reconnects;
    this.#pending.push(this.#sendOn(this.#connection));
  }

  #stands(connection: number): boolean {
    const { peer } = this.#options;
    return peer.status === "Connected" && peer.stats.reconnects === connection;
  }

  async #sendOn(connection: number): Promise<void> {
    const { peer, side, life, index, firstConnection, restsOnOdd, rate } = this.#options;
    const from = {
      seed: index,
      from: side,
      connection: (life << LIFE_BITS) | (firstConnection + connection),
      asked: 0,
    };
    this.#accepted = 0;
    if (restsOnOdd && connection % 2 === 1) await this.#rest;
    try {
      while (!this.#isFinishing && this.#stands(connection)) {
        const number = this.#accepted;
        const size = this.#random.magnitude(MIN_MESSAGE_BYTES, rate.maxMessageBytes);
        await peer.write(typeOf(number), encodeNumbered({ ...from, number, kind: "data" }, size));
        if (this.#connection === connection) this.#accepted = number + 1;
        if (rate.pauseMs > 0) await pause(rate.pauseMs);
      }
      if (!this.#stands(connection)) return;
      const number = this.#accepted;
      await peer.write(typeOf(number), encodeNumbered({ ...from, number, kind: "ask" }));
    } catch (error) {
      if (isIpcError(error)) this.#options.codes.note("write", error);
      else this.#options.broken(error);
    }
  }
}
