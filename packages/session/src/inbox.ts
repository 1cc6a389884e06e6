import type { Wait } from "@ipc/transport";
import type { IpcError } from "./errors.js";
import type { DataMessage, ReceivedMessage, StatusMessage } from "./message.js";
import { SessionError } from "./session-error.js";
import type { Status } from "./status.js";
import { StatusEntry, Unread } from "./unread.js";
import { abortError, rejected, Waiter } from "./waiter.js";

type Received = DataMessage | StatusMessage;

/** An iteration over data that can itself stand in a `for await`. */
export type DataIterator = AsyncIterator<DataMessage, undefined> & AsyncIterable<DataMessage>;

export interface InboxEvents {
  readonly message: (message: DataMessage) => void;
  readonly status: (status: Status) => void;
  /** The budget is used up, or there is room again. */
  readonly full: () => void;
  readonly room: () => void;
  /** Everything before the end has been delivered, or nobody is there to take it. */
  readonly ended: () => void;
}

/**
 * How it ended. `done`: as it should, an iteration just ends. `destroyed`: at the user's wish, waits reject.
 * `failed`: waits reject, and whoever was reading gets what is unread before the listeners are told.
 */
export type EndKind = "done" | "destroyed" | "failed";

interface End {
  readonly kind: EndKind;
  /** Made anew for each wait, so that its stack says who waited. */
  readonly error: () => IpcError;
  told: boolean;
}

/**
 * What has been received and not yet read: messages and statuses in order, for one consumer at a time (reads, an
 * iteration, or listeners), within a budget of bytes.
 */
export class Inbox {
  readonly #maxUnreadBytes: number;
  readonly #events: InboxEvents;
  readonly #unread = new Unread();
  /** Undefined: the iteration that waits has been returned from. */
  readonly #reads = new Set<Waiter<Received | undefined>>();
  #full = false;
  #consumer: "none" | "iteration" | "listener" = "none";
  #paused = false;
  #flowing = false;
  #end: End | undefined;

  constructor(maxUnreadBytes: number, events: InboxEvents) {
    this.#maxUnreadBytes = maxUnreadBytes;
    this.#events = events;
  }

  get unreadBytes(): number {
    return this.#unread.bytes;
  }

  get full(): boolean {
    return this.#full;
  }

  push(message: ReceivedMessage): void {
    if (this.#unread.length === 0 && !this.#flowing) {
      if (this.#isListening()) {
        // A listener may do anything to this peer: what follows from it waits its turn.
        this.#flowing = true;
        this.#events.message(message);
        this.#flowing = false;
        if (this.#unread.length > 0 || this.#end !== undefined) this.#moveOn();
        return;
      }
      if (this.#giveToRead(message)) return;
    }
    this.#unread.add(message);
    if (!this.#full && this.#unread.bytes >= this.#maxUnreadBytes) {
      this.#full = true;
      this.#events.full();
    }
  }

  pushStatus(status: Status): void {
    this.#unread.addStatus(new StatusEntry(status));
    this.#moveOn();
  }

  /** Copies the unread messages that keep more memory of `buffer` alive than they fill. */
  compact(buffer: ArrayBufferLike): void {
    this.#unread.compact(buffer);
  }

  /** Nothing comes any more: what is unread is still read, then every wait rejects. */
  end(kind: EndKind, error: () => IpcError): void {
    if (this.#end !== undefined) return;
    this.#end = { kind, error, told: false };
    this.#moveOn();
  }

  read(what: string, wait: Wait): Promise<Received> {
    return this.#read<Received>(what, wait);
  }

  readTimed<T>(ms: number, onTimeout: T, wait: Wait): Promise<Received | T> {
    return this.#read<Received | T>("readTimed", wait, { ms, value: onTimeout });
  }

  /** Starts an iteration over the data. It holds the inbox until it is done or returned from. */
  iterate(): DataIterator {
    let state: "new" | "open" | "over" = "new";
    const over = (): IteratorResult<DataMessage, undefined> => {
      const before = state;
      state = "over";
      if (before === "open") this.#release();
      return { done: true, value: undefined };
    };
    const wait = async (): Promise<IteratorResult<DataMessage, undefined>> => {
      try {
        while (state === "open") {
          const received = this.#tryShift() ?? (await this.#nextOrEnd());
          if (received === undefined) return over();
          if (received.kind === "data") return { done: false, value: received };
        }
        return over();
      } catch (error) {
        over();
        throw error;
      }
    };
    const next = (): Promise<IteratorResult<DataMessage, undefined>> => {
      if (state === "over") return Promise.resolve(over());
      try {
        if (state === "new") this.#take("iteration");
      } catch (error) {
        return Promise.reject(error);
      }
      state = "open";
      const received = this.#tryShift();
      if (received === undefined || received.kind === "status") return wait();
      return Promise.resolve({ done: false, value: received });
    };
    const iterator: DataIterator = {
      next,
      return: () => Promise.resolve(over()),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** @throws SessionError IPC_CONSUMER_TAKEN */
  listen(): void {
    if (this.#consumer === "listener") return;
    this.#take("listener");
    // As a stream does: listeners that are added in the same breath miss nothing.
    process.nextTick(() => this.#moveOn());
  }

  unlisten(style: "iteration" | "listener" = "listener"): void {
    if (this.#consumer === style) this.#consumer = "none";
    this.#moveOn();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    process.nextTick(() => this.#moveOn());
  }

  /** Ends the iteration. Every wait is its own: nobody else may wait while it holds the inbox. */
  #release(): void {
    for (const waiter of this.#reads) {
      this.#reads.delete(waiter);
      waiter.resolve(undefined);
    }
    this.unlisten("iteration");
  }

  #take(style: "iteration" | "listener"): void {
    const taken = this.#consumer !== "none" ? this.#consumer : this.#reads.size > 0 ? "read" : undefined;
    if (taken !== undefined) throw takenError(style, taken);
    this.#consumer = style;
  }

  #read<T>(what: string, { signal }: Wait, timeout?: { ms: number; value: T }): Promise<Received | T> {
    if (this.#consumer !== "none") return rejected(takenError(what, this.#consumer));
    if (signal?.aborted === true) return rejected(abortError(what, signal));
    const received = this.#tryShift();
    if (received !== undefined) return Promise.resolve(received);
    if (this.#end !== undefined) return rejected(this.#end.error());
    return this.#wait(what, signal, timeout as { ms: number; value: Received } | undefined) as Promise<Received | T>;
  }

  #wait(what: string, signal?: AbortSignal, timeout?: { ms: number; value: Received }): Promise<Received | undefined> {
    const waiter: Waiter<Received | undefined> = new Waiter<Received | undefined>({
      what,
      ...(signal && { signal }),
      ...(timeout && { timeout }),
      leave: () => this.#reads.delete(waiter),
    });
    this.#reads.add(waiter);
    return waiter.promise;
  }

  /** For an iteration: undefined when it is over as it should be. */
  async #nextOrEnd(): Promise<Received | undefined> {
    try {
      if (this.#end !== undefined) throw this.#end.error();
      return await this.#wait("iteration");
    } catch (error) {
      if (this.#end?.kind === "done") return undefined;
      throw error;
    }
  }

  #giveToRead(entry: Received): boolean {
    for (const waiter of this.#reads) {
      this.#reads.delete(waiter);
      waiter.resolve(entry);
      return true;
    }
    return false;
  }

  #tryShift(): Received | undefined {
    const entry = this.#unread.shift();
    if (entry === undefined) return undefined;
    if (this.#full && this.#unread.bytes < this.#maxUnreadBytes / 2) {
      this.#full = false;
      this.#events.room();
    }
    if (this.#unread.statuses > 0 || this.#end !== undefined) this.#moveOn();
    return entry;
  }

  /** Does what the queue's head allows: serves reads and listeners, tells statuses, tells the end. */
  #moveOn(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    try {
      this.#announce();
      while (this.#reads.size > 0 || this.#isListening()) {
        const entry = this.#tryShift();
        if (entry === undefined) break;
        // An iteration gives data only: who waits for it keeps his place.
        const isPassedOver = entry.kind === "status" && this.#consumer === "iteration";
        if (!isPassedOver && !this.#giveToRead(entry) && entry.kind === "data") this.#events.message(entry);
        this.#announce();
      }
    } finally {
      this.#flowing = false;
    }
    if (this.#end !== undefined) this.#tellEnd(this.#end);
  }

  #isListening(): boolean {
    return this.#consumer === "listener" && !this.#paused && this.#end?.kind !== "destroyed";
  }

  /** Tells the listeners of the statuses that no data stands before. */
  #announce(): void {
    if (this.#end?.told === true) return;
    for (let status = this.#unread.announce(); status !== undefined; status = this.#unread.announce()) {
      this.#events.status(status);
    }
  }

  #tellEnd(end: End): void {
    // Whoever iterates or listens gets everything first. A reader may never come back, and close must come.
    const awaited = this.#consumer !== "none" && end.kind !== "destroyed";
    if (end.told || (awaited && this.#unread.length > this.#unread.statuses)) return;
    end.told = true;
    for (const status of this.#unread.announceAll()) this.#events.status(status);
    for (const waiter of this.#reads) {
      this.#reads.delete(waiter);
      waiter.reject(end.error());
    }
    this.#events.ended();
  }
}

function takenError(what: string, taken: string): SessionError {
  return new SessionError(
    "IPC_CONSUMER_TAKEN",
    `${what}: messages already go to ${taken === "read" ? "a pending read" : `the ${taken}`}; consume them in one way at a time`,
  );
}
