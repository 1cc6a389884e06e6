import { type DataMessage, type IpcError, isIpcError, SessionError } from "@ipc/session";
import {
  type EstablishedConnection,
  type LockableInbox,
  type PeerBudgets,
  PeerSession,
  type ReceivedMessage,
} from "@ipc/session/internal";
import type { ResolvedManagerOptions } from "./manager-options.js";

export type Intercept = (connection: ServerConnection, message: DataMessage) => boolean;

export interface ConnectionStart {
  readonly id: number;
  readonly options: ResolvedManagerOptions;
  readonly budgets: PeerBudgets;
  /** Looks at each message as long as it says true: that it was not for the user. */
  readonly intercept?: Intercept;
  /** It was lost, or its client goes: nobody has been told. */
  readonly ending: (connection: ServerConnection) => void;
  /** Once, when it is over. `error`: why, unless either side ended it in an orderly way. */
  readonly ended: (connection: ServerConnection, error: IpcError | undefined) => void;
}

/**
 * One client of a ServerManager: a peer that ends with its connection. Its reader sees Connected first; when the client
 * goes, what is unread, then Disconnected. A `read` after that rejects with IPC_CLOSED, an iteration just ends.
 *
 * While somebody reads from the manager, a `read` of a connection that is part of that rejects with IPC_CONSUMER_TAKEN.
 */
export class ServerConnection extends PeerSession {
  /** Unique for the manager's life, 1 … 2^32-1; the client's own `clientId` where it came by golang-ipc's id protocol. */
  readonly id: number;
  readonly #ending: ConnectionStart["ending"];
  readonly #ended: ConnectionStart["ended"];
  #loss: IpcError | undefined;
  #intercept: Intercept | undefined;

  constructor(start: ConnectionStart, established: EstablishedConnection) {
    const { limits, security } = start.options;
    super({ limits, budgets: start.budgets, security, status: "Not Connected", remote: established.remote });
    this.id = start.id;
    this.#ending = start.ending;
    this.#ended = start.ended;
    this.#intercept = start.intercept;
    this.connect(established);
  }

  /** What is unread, for the manager's own stream. */
  static inboxOf(connection: ServerConnection): LockableInbox {
    return connection.lockableInbox;
  }

  /** Whether it would accept a message at once. */
  static hasRoom(connection: ServerConnection): boolean {
    return connection.hasRoom;
  }

  /** Why it was lost, where it was. */
  static lossOf(connection: ServerConnection): IpcError | undefined {
    return connection.#loss;
  }

  /** Ends it because its manager failed: what is unread can still be read. */
  static fail(connection: ServerConnection, error: IpcError): void {
    connection.finish("Error", error);
  }

  override destroy(reason?: unknown): void {
    const isThere = this.status === "Connected" || this.status === "Closing";
    if (reason !== undefined && isThere) this.#loss ??= asError(reason);
    super.destroy(reason);
  }

  protected override receive(message: ReceivedMessage): void {
    if (this.#intercept?.(this, message) === true) return;
    this.#intercept = undefined;
    super.receive(message);
  }

  protected override release(): Promise<void> {
    return Promise.resolve();
  }

  protected override setReferenced(): void {
    // The stream is all there is, and it is told already.
  }

  protected override onClosed(): void {
    this.#ended(this, this.#loss);
  }

  protected override onDisconnected(error: IpcError, clean: boolean): void {
    // Whoever takes the status asks for it.
    if (!clean) this.#loss = error;
    this.#ending(this);
    // Who is told of it just now may have closed it.
    if (this.isOpen) {
      this.setStatus("Disconnected");
      if (!clean) this.emit("lost", error);
      this.finish("Disconnected");
    }
    this.#ended(this, this.#loss);
  }
}

function asError(reason: unknown): IpcError {
  if (isIpcError(reason)) return reason;
  return new SessionError("IPC_CLOSED", "this connection was destroyed", { cause: reason });
}
