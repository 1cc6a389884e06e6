import {
  MESSAGE_OVERHEAD_BYTES,
  type MessageOrigin,
  ReceivedMessage,
  type Status,
  type StatusMessage,
} from "../message.js";
import type { BudgetWaiter, SharedBudget } from "../shared-budget.js";
import { Fifo } from "./fifo.js";

/** Maximum number of unread statuses; the oldest disconnection is dropped first, together with its reconnection. */
const MAX_STATUSES = 32;

/** A status change, queued in order with the messages. */
export class StatusEntry implements StatusMessage {
  readonly kind = "status";
  readonly type = -1;
  readonly status: Status;
  // Private, as in a message.
  readonly #origin: MessageOrigin | undefined;

  /** @param origin the connection that a Connected reports */
  constructor(status: Status, origin?: MessageOrigin) {
    this.status = status;
    this.#origin = origin;
  }

  static originOf(entry: StatusEntry): MessageOrigin | undefined {
    return entry.#origin;
  }
}

/** Holds unread messages and statuses in order, and counts their bytes. */
export class MessageQueue {
  readonly #entries = new Fifo<ReceivedMessage | StatusEntry>();
  #bytes = 0;
  #addedMessages = 0;
  #shiftedMessages = 0;
  #statuses = 0;
  /** Number of statuses at the head that have been announced. */
  #announced = 0;
  /** Statuses that were taken before they were announced. */
  readonly #overdue: StatusEntry[] = [];
  #budget: SharedBudget | undefined;

  /** @param budget shared with other queues */
  constructor(budget?: SharedBudget) {
    this.#budget = budget;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Bytes of data, plus 160 for each message. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that the shared budget allows this queue. */
  get share(): number {
    return this.#budget?.share ?? Number.POSITIVE_INFINITY;
  }

  /** Messages added since the start. */
  get addedMessages(): number {
    return this.#addedMessages;
  }

  /** Messages removed since the start. */
  get shiftedMessages(): number {
    return this.#shiftedMessages;
  }

  get statuses(): number {
    return this.#statuses;
  }

  /** Whether a status has not been announced, possibly behind messages. */
  get hasUnannounced(): boolean {
    return this.#statuses > this.#announced || this.#overdue.length > 0;
  }

  /** Whether a status was taken before it was announced. */
  get hasOverdue(): boolean {
    return this.#overdue.length > 0;
  }

  add(message: ReceivedMessage): void {
    const bytes = message.data.length + MESSAGE_OVERHEAD_BYTES;
    this.#entries.push(message);
    this.#bytes += bytes;
    this.#budget?.add(bytes);
    this.#addedMessages++;
  }

  addStatus(entry: StatusEntry): void {
    this.#entries.push(entry);
    this.#statuses++;
    if (this.#statuses > MAX_STATUSES) this.#forgetOldestReturn();
  }

  shift(): ReceivedMessage | StatusEntry | undefined {
    const entry = this.#entries.shift();
    if (entry instanceof ReceivedMessage) {
      // Data has fewer bytes than were counted if its memory was detached meanwhile; the last entry makes up for it.
      const bytes = this.#entries.length === 0 ? this.#bytes : entry.data.length + MESSAGE_OVERHEAD_BYTES;
      this.#bytes -= bytes;
      this.#budget?.remove(bytes);
      this.#shiftedMessages++;
    } else if (entry !== undefined) {
      this.#statuses--;
      if (this.#announced > 0) this.#announced--;
      else this.#overdue.push(entry);
    }
    return entry;
  }

  /**
   * Returns the next status that no message precedes; each status is returned once.
   * @param holdsConnected whether a Connected waits as long as nothing follows it
   */
  announce(holdsConnected = false): StatusEntry | undefined {
    const entry = this.#overdue[0] ?? this.#entries.at(this.#announced);
    if (!(entry instanceof StatusEntry)) return undefined;
    const isLast = this.#overdue.length + this.#entries.length - this.#announced === 1;
    if (holdsConnected && isLast && entry.status === "Connected") return undefined;
    if (this.hasOverdue) this.#overdue.shift();
    else this.#announced++;
    return entry;
  }

  /** Returns the statuses that have not been announced, also those that messages precede. */
  announceAll(): StatusEntry[] {
    const statuses: StatusEntry[] = [];
    for (let index = this.#announced; index < this.#entries.length; index++) {
      const entry = this.#entries.at(index);
      if (entry instanceof StatusEntry) statuses.push(entry);
    }
    return statuses;
  }

  /** Copies the newest messages out of `buffer` if they use less than half of the memory that they keep alive. */
  compact(buffer: ArrayBufferLike): void {
    let used = 0;
    let first = this.#entries.length;
    for (; first > 0; first--) {
      const entry = this.#entries.at(first - 1);
      if (!(entry instanceof ReceivedMessage) || entry.data.buffer !== buffer) break;
      used += entry.data.length;
    }
    if (used * 2 >= buffer.byteLength) return;
    for (let index = first; index < this.#entries.length; index++) {
      const message = this.#entries.at(index) as ReceivedMessage;
      this.#entries.replaceAt(index, message.withData(message.data.slice()));
    }
  }

  /** Calls `waiter` when other queues have freed bytes of the shared budget. */
  waitForBudget(waiter: BudgetWaiter): void {
    this.#budget?.wait(waiter);
  }

  /** Ends a wait for the shared budget. */
  leaveWait(waiter: BudgetWaiter): void {
    this.#budget?.leave(waiter);
  }

  /** Returns this queue's bytes to the shared budget, which no longer limits it. */
  leaveBudget(): void {
    this.#budget?.remove(this.#bytes);
    this.#budget = undefined;
  }

  #forgetOldestReturn(): void {
    let gone: number | undefined;
    for (let index = 0; index < this.#entries.length; index++) {
      const entry = this.#entries.at(index);
      if (!(entry instanceof StatusEntry)) continue;
      if (entry.status === "Connected" && gone !== undefined) {
        const pair = [gone, index];
        this.#announced -= pair.filter((at) => at < this.#announced).length;
        this.#entries.filter((_entry, at) => !pair.includes(at));
        this.#statuses -= pair.length;
        return;
      }
      if (entry.status === "Reconnecting" || entry.status === "Disconnected") gone = index;
    }
  }
}
