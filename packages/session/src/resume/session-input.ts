import { MESSAGE_HEADER_BYTES } from "@ipc/framing";
import { type MessageOrigin, ReceivedMessage } from "../message.js";
import { TimeSlice } from "../scheduling/time-slice.js";
import type { BudgetWaiter, SharedBudget } from "../shared-budget.js";
import { ResendBuffer } from "./resend-buffer.js";
import type { ResumableSession } from "./resumable-session.js";

export interface SessionInputOptions {
  readonly session: ResumableSession;
  /** As many bytes are read past a full inbox as the peer may keep, if its limit is the same: these, and one message. */
  readonly limit: number;
  /** Budget of unread bytes that several peers share. */
  readonly budget?: SharedBudget | undefined;
  readonly isFull: () => boolean;
  /** Whether a write or a flush waits until the peer has acknowledged messages. */
  readonly isBlocked: () => boolean;
  readonly deliver: (message: ReceivedMessage) => void;
  /** Stops the stream, and lets it flow again. */
  readonly pause: () => void;
  readonly resume: () => void;
}

/**
 * The input of one connection of a session. The acknowledgements that a waiting write needs lie behind messages of the peer, so while
 * one waits, messages are read on past a full inbox. They count as received only when the inbox has taken them: if the connection ends
 * before, the peer sends them again. Until then they are kept as packed frames: a message of a few bytes neither costs an object nor
 * keeps the memory of its record.
 */
export class SessionInput {
  readonly #options: SessionInputOptions;
  readonly #held: ResendBuffer;
  readonly #slice = new TimeSlice();
  readonly #waiter: BudgetWaiter = { onRoom: () => this.onWaiting() };
  #origin: MessageOrigin | undefined;
  #lastBytes = 0;
  #isOver = false;
  /** Whether messages are held: the inbox is full, or has not got all that were held. */
  #isHolding = false;

  constructor(options: SessionInputOptions) {
    this.#options = options;
    this.#held = new ResendBuffer(options.limit, options.budget);
  }

  receive(message: ReceivedMessage): void {
    if (this.#isHolding) this.#hold(message);
    else this.#accept(message);
  }

  onBatch(): void {
    this.#options.session.onBatch();
  }

  /** The inbox is full. */
  onFull(): void {
    this.#isHolding = true;
    this.#pauseUnlessBlocked();
  }

  /** A write or a flush begins to wait, or other peers have freed bytes of the shared budget. */
  readonly onWaiting = (): void => {
    if (this.#isOver || !this.#options.isFull()) return;
    if (this.#mayReadOn) this.#options.resume();
    else this.#awaitBudget();
  };

  /** The inbox has room. */
  readonly onRoom = (): void => {
    if (this.#slice.isYielding) return;
    this.#passOn();
    this.onBatch();
  };

  /** Each message that is held costs a listener's call, so they are passed on in time slices. */
  #passOn(): void {
    const held = this.#held;
    let messages = held.unhanded();
    this.#slice.begin();
    while (!this.#options.isFull()) {
      if (held.messages === 0) {
        this.#isHolding = false;
        this.#lastBytes = 0;
        this.#options.resume();
        return;
      }
      const next = messages.next();
      // A stream that a listener writes to may emit 'data' meanwhile.
      if (next.done === true) {
        messages = held.unhanded();
        continue;
      }
      const { type, data } = next.value;
      const message = new ReceivedMessage(type, data.slice(), this.#origin as MessageOrigin);
      held.release(held.handed);
      this.#accept(message);
      // A listener may have ended the connection.
      if (this.#slice.countStep() && held.messages > 0) {
        this.#slice.yield(this.onRoom);
        return;
      }
    }
    this.onWaiting();
  }

  /** The connection has ended, and with it what has not been counted. Its last batch may not be over: a listener has ended it. */
  end(): void {
    this.onBatch();
    this.#isOver = true;
    this.#held.clear();
    this.#options.budget?.leave(this.#waiter);
    this.#slice.cancel();
  }

  /** An acknowledgement may lie right behind the last message that the peer can send, so it is not enough to hold that many bytes. */
  get #mayReadOn(): boolean {
    const { isBlocked, limit, budget } = this.#options;
    return isBlocked() && this.#heldBytes < Math.min(limit, budget?.share ?? limit);
  }

  /** Bytes without those of the last message. */
  get #heldBytes(): number {
    return this.#held.bytes - this.#lastBytes;
  }

  #hold(message: ReceivedMessage): void {
    this.#origin = ReceivedMessage.originOf(message);
    this.#held.keepMessage(message.type, message.data, false);
    this.#lastBytes = message.data.length + MESSAGE_HEADER_BYTES;
    this.#pauseUnlessBlocked();
  }

  #pauseUnlessBlocked(): void {
    if (this.#mayReadOn) return;
    this.#options.pause();
    this.#awaitBudget();
  }

  /** The acknowledgement that a write waits for must not stay unread when there is room for the messages before it. */
  #awaitBudget(): void {
    const { isBlocked, limit, budget } = this.#options;
    if (budget !== undefined && isBlocked() && this.#heldBytes < limit) budget.wait(this.#waiter);
  }

  #accept(message: ReceivedMessage): void {
    this.#options.session.onReceived(message.data.length);
    this.#options.deliver(message);
  }
}
