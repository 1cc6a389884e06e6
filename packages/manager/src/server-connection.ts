import { type DataMessage, type IpcError, isIpcError, SessionError } from "@ipc/session";
import {
  type EstablishedConnection,
  type Inbox,
  type InboxConsumer,
  type PeerBudgets,
  PeerSession,
  type ReceivedMessage,
} from "@ipc/session/internal";
import type { ResolvedManagerOptions } from "./manager-options.js";

export type Intercept = (connection: ServerConnection, message: DataMessage) => void;

export interface ConnectionStart {
  readonly id: number;
  readonly options: ResolvedManagerOptions;
  readonly budgets: PeerBudgets;
  /** Called with each message instead of delivering it. */
  readonly intercept?: Intercept;
  /** Called once, when the connection is over. `error`: the reason, unless either side closed in an orderly way. */
  readonly ended: (connection: ServerConnection, error: IpcError | undefined) => void;
}

/**
 * One client of a ServerManager: a peer that ends with its connection. A reader gets Connected first and, when the client
 * disconnects, the unread messages, then Disconnected. After that a `read` rejects with IPC_CLOSED and an iteration ends.
 *
 * While the manager is being read, a `read` of a connection that takes part in it rejects with IPC_CONSUMER_TAKEN.
 */
export class ServerConnection extends PeerSession {
  /**
   * 1 … 2^32-1, and no other client of this manager gets it; equals the client's `clientId` if it used golang-ipc's id protocol. A
   * golang-ipc client that redials its slot has its id again, with a new connection.
   */
  readonly id: number;
  readonly #ended: ConnectionStart["ended"];
  #loss: IpcError | undefined;
  readonly #intercept: Intercept | undefined;

  constructor(start: ConnectionStart, established: EstablishedConnection) {
    const { limits, security } = start.options;
    super({ limits, budgets: start.budgets, security, status: "Not Connected", remote: established.remote });
    this.id = start.id;
    this.#ended = start.ended;
    this.#intercept = start.intercept;
    this.connect(established);
  }

  /** Returns the unread messages, for the manager's own stream. */
  static inboxOf(connection: ServerConnection): Inbox {
    return connection.inbox;
  }

  static consumerOf(connection: ServerConnection): InboxConsumer {
    return connection.consumer;
  }

  /** Returns whether the connection would accept a message at once. */
  static hasRoom(connection: ServerConnection): boolean {
    return connection.hasRoom;
  }

  /** Returns the reason why the connection was lost, if it was. */
  static lossOf(connection: ServerConnection): IpcError | undefined {
    return connection.#loss;
  }

  /** Ends the connection because its manager failed; unread messages can still be read. */
  static fail(connection: ServerConnection, error: IpcError): void {
    connection.finish("Error", error);
  }

  override destroy(reason?: unknown): void {
    const isThere = this.status === "Connected" || this.status === "Closing";
    if (reason !== undefined && isThere) this.#loss ??= asError(reason);
    super.destroy(reason);
  }

  protected override receive(message: ReceivedMessage): void {
    if (this.#intercept === undefined) super.receive(message);
    else this.#intercept(this, message);
  }

  protected override release(): Promise<void> {
    return Promise.resolve();
  }

  protected override setReferenced(): void {
    // The stream is the only handle, and its reference is set already.
  }

  protected override onClosed(): void {
    this.#ended(this, this.#loss);
  }

  protected override onDisconnected(error: IpcError, clean: boolean): void {
    // Kept for the reader of the Disconnected status.
    if (!clean) this.#loss = error;
    this.setStatus("Disconnected");
    if (!clean) this.emit("lost", error);
    this.finish("Disconnected");
    this.#ended(this, this.#loss);
  }
}

function asError(reason: unknown): IpcError {
  if (isIpcError(reason)) return reason;
  return new SessionError("IPC_CLOSED", "this connection was destroyed", { cause: reason });
}
