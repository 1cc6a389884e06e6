import type { Duplex } from "node:stream";
import { SessionError } from "@ipc/session";
import { type HandshakeProgress, STAGE } from "@ipc/session/handshake";
import { startTimeLimit, type TimeLimit } from "@ipc/session/internal";
import { leastAdvanced } from "./least-advanced.js";
import { StrangerGauge } from "./stranger-gauge.js";

/**
 * Places in a flood of strangers, and at a full server. Where most handshakes are never completed, more places make every client wait
 * longer for its turn and serve none more; fewer let a client that has lost its turn know soon, and dial again. A full server does not
 * know how many of its clients come back for a session, so it takes them for such a flood.
 */
export const FLOODED_LIMIT = 64;

/** Handshakes dropped for each new one, as long as there are more than places. */
const DROPPED_AT_ONCE = 4;

/**
 * A client that leaves the server's limits or its AUTH unanswered for this time has not advanced further than to its reply: after the
 * AUTH, a client that comes back owes its RESUME, and without keys any stranger gets that far.
 */
const ANSWER_MS = 100;

/**
 * The share of the places that the newest handshakes keep: one of 8. A client needs some milliseconds for its key; strangers
 * that have theirs ready would otherwise displace it before its first answer.
 */
const NEWEST_SHARE = 8;

/** A handshake in progress. */
export class PendingHandshake implements HandshakeProgress {
  readonly stream: Duplex;
  /** The table that it is in, until it has ended. */
  readonly table: HandshakeTable;
  readonly #abort = new AbortController();
  /** The stage that the messages of the client have reached. */
  sent: number = STAGE.connected;
  /** Runs while the server waits for an answer. It allows for a time in which the process was busy and read no answers. */
  #limit: TimeLimit | undefined;
  #isSlow = false;

  constructor(stream: Duplex, table: HandshakeTable) {
    this.stream = stream;
    this.table = table;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  set isAwaited(isAwaited: boolean) {
    this.#limit?.cancel();
    this.#limit = undefined;
    this.#isSlow = false;
    if (!isAwaited || this.sent < STAGE.publicKey) return;
    this.#limit = startTimeLimit(ANSWER_MS, () => {
      this.#isSlow = true;
    });
  }

  /** How far the client has come, as STAGE. */
  get stage(): number {
    return this.#isSlow ? STAGE.replied : this.sent;
  }

  abort(reason: SessionError): void {
    this.#abort.abort(reason);
  }
}

export interface HandshakeTableOptions {
  /** Limit of concurrent handshakes. */
  readonly maxHandshakes: number;
  /** Chooses among handshakes that have advanced equally. @default Math.random */
  readonly random?: () => number;
}

/** The handshakes in progress, oldest first. */
export class HandshakeTable {
  readonly gauge: StrangerGauge = new StrangerGauge();
  readonly #maxHandshakes: number;
  readonly #random: () => number;
  readonly #all = new Set<PendingHandshake>();

  constructor({ maxHandshakes, random = Math.random }: HandshakeTableOptions) {
    this.#maxHandshakes = maxHandshakes;
    this.#random = random;
  }

  get size(): number {
    return this.#all.size;
  }

  [Symbol.iterator](): IterableIterator<PendingHandshake> {
    return this.#all.values();
  }

  /**
   * Adds a handshake. If all places are taken, one that has advanced least is aborted and removed, or several in a flood; if all
   * have sent their AUTH, returns why the new one has no place.
   */
  admit(stream: Duplex): PendingHandshake | SessionError {
    const limit = this.gauge.isFlooded ? Math.min(FLOODED_LIMIT, this.#maxHandshakes) : this.#maxHandshakes;
    for (let drops = 0; drops < DROPPED_AT_ONCE && this.#all.size >= limit; drops++) {
      const least = this.#leastAdvanced(limit);
      if (least === undefined) break;
      this.#all.delete(least);
      least.abort(dropped(`${limit} are in progress, and no other has advanced less`));
    }
    if (this.#all.size >= this.#maxHandshakes)
      return dropped(`all ${this.#maxHandshakes} in progress have sent their AUTH`);
    const handshake = new PendingHandshake(stream, this);
    this.#all.add(handshake);
    return handshake;
  }

  delete(handshake: PendingHandshake): void {
    this.#all.delete(handshake);
  }

  #leastAdvanced(limit: number): PendingHandshake | undefined {
    const older = Math.max(0, this.#all.size - Math.floor(limit / NEWEST_SHARE));
    return (
      leastAdvanced(take(this.#all, older), STAGE.auth, this.#random) ??
      leastAdvanced(this.#all, STAGE.auth, this.#random)
    );
  }
}

function* take<T>(all: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const each of all) {
    if (left-- <= 0) return;
    yield each;
  }
}

function dropped(why: string): SessionError {
  return new SessionError("IPC_HANDSHAKE_FAILED", `handshake dropped: ${why}; the client can dial again`);
}
