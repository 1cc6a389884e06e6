import { SessionError } from "../errors.js";
import type { Inbox, InboxConsumer } from "../inbox/inbox.js";
import type { MessageOrigin } from "../message.js";

/** A connection that has ended. Of the messages that its inbox ever queued, it received those numbered `from` … `upTo`-1. */
interface Earlier {
  readonly origin: MessageOrigin;
  readonly from: number;
  readonly upTo: number;
}

/**
 * The earlier connections of a peer whose messages are not handled yet. While there is one, the program deals with its client: a
 * write that names no message is meant for that one, and must not reach the next.
 *
 * ```
 *  A connects, asks twice         A has gone                   B is there
 *  ├─ step of question 1 ──┼──────────────── step of question 2 ────────────────┼─ the next item is asked for ─▶
 *  write ─▶ A ─────────────────── IPC_NOT_CONNECTED ─────────── IPC_CONNECTION_LOST ─────────── write ─▶ B
 * ```
 */
export class EarlierConnections {
  readonly #inbox: Inbox;
  readonly #consumer: InboxConsumer;
  /** Oldest first. */
  #earlier: Earlier[] = [];
  /** Messages queued by all connections that were added. */
  #queued = 0;

  constructor(inbox: Inbox, consumer: InboxConsumer) {
    this.#inbox = inbox;
    this.#consumer = consumer;
  }

  get size(): number {
    return this.#earlier.length;
  }

  /** Whether writes must not reach the connection that is there now. */
  get isHolding(): boolean {
    return this.#earlier.length > 0 && this.current !== undefined;
  }

  /** The oldest whose messages are being handled, or are unread and something reads. */
  get current(): MessageOrigin | undefined {
    if (this.#earlier.length === 0) return undefined;
    while (this.#earlier[0] !== undefined && this.#isOver(this.#earlier[0])) this.#earlier.shift();
    return this.#earlier.find(({ origin }) => origin.steps.count > 0 || this.#consumer.isConsuming)?.origin;
  }

  /**
   * Whether the event for Connected waits, because what its listeners write would be rejected. After `read` it does not: nothing
   * says that the caller will call again, and perhaps it waits for this event to do so.
   */
  get holdsConnected(): boolean {
    return this.isHolding && !this.#consumer.isRead;
  }

  /** Adds the connection that has ended last. Those that are over are forgotten, so a client without messages leaves nothing. */
  add(origin: MessageOrigin): void {
    const added = { origin, from: this.#queued, upTo: this.#inbox.queuedMessages };
    this.#queued = added.upTo;
    this.#earlier = [...this.#earlier, added].filter((earlier) => !this.#isOver(earlier));
  }

  /** Creates the error of a call that must not reach the next client yet. */
  heldError(what: string): SessionError {
    return new SessionError(
      "IPC_CONNECTION_LOST",
      `${what}: the earlier client has disconnected, and its messages are still being handled; answer each by its \`reply\``,
      { cause: this.current?.loss },
    );
  }

  #isOver({ origin, from, upTo }: Earlier): boolean {
    return origin.steps.count === 0 && Math.max(from, this.#inbox.takenMessages) >= upTo;
  }
}
