import type { Connection } from "../connection/connection.js";
import type { WriteQueue } from "../connection/write-queue.js";
import type { ReceivedMessage } from "../message.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import { SessionInput } from "../resume/session-input.js";
import type { SharedBudget } from "../shared-budget.js";

/** The way of one connection's messages to the peer, and the flow control of its stream. */
export interface ConnectionInput {
  receive(message: ReceivedMessage): void;
  /** A batch of messages has been received. */
  onBatch(): void;
  /** The inbox is full. */
  onFull(): void;
  /** The inbox has room. */
  onRoom(): void;
  /** The connection has ended. */
  end(): void;
}

export interface InputOptions {
  readonly connection: Connection;
  /** Those that wait for room. */
  readonly writes: WriteQueue;
  readonly isFull: () => boolean;
  readonly deliver: (message: ReceivedMessage) => void;
  /** Budget of unread bytes that several peers share. */
  readonly budget?: SharedBudget | undefined;
}

/** The input of a connection that cannot be resumed. */
class PlainInput implements ConnectionInput {
  readonly #connection: Connection;
  readonly receive: InputOptions["deliver"];

  constructor(connection: Connection, receive: InputOptions["deliver"]) {
    this.#connection = connection;
    this.receive = receive;
  }

  onBatch(): void {}

  onFull(): void {
    this.#connection.pause();
  }

  onRoom(): void {
    this.#connection.resume();
  }

  end(): void {}
}

/** Creates the input of a connection. @param session undefined if it cannot be resumed */
export function createInput(
  { connection, writes, isFull, deliver, budget }: InputOptions,
  session: ResumableSession | undefined,
): ConnectionInput {
  if (session === undefined) return new PlainInput(connection, deliver);
  const pause = (): void => connection.pause();
  const resume = (): void => connection.resume();
  const { limit } = session.resend;
  const isBlocked = (): boolean => session.isAwaited || connection.sender.isBlocked;
  const input = new SessionInput({ session, limit, budget, isFull, isBlocked, deliver, pause, resume });
  writes.onWaiting = () => input.onWaiting();
  return input;
}
