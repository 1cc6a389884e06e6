import type { KeyRing } from "@ipc/server/internal";
import { type DataMessage, type IpcError, isIpcError, SessionError } from "@ipc/session";
import {
  type EstablishedConnection,
  type Heartbeat,
  type Inbox,
  type InboxConsumer,
  type MessageOrigin,
  type PeerBudgets,
  PeerCore,
  type PeerOwner,
  PeerSession,
  type ProvedKeys,
  type ResumeStart,
  reportSilence,
  type SilenceNews,
  type SlipReporter,
} from "@ipc/session/internal";
import type { ResolvedManagerOptions } from "./manager-options.js";

export type Intercept = (connection: ServerConnection, message: DataMessage) => void;

/** The parts of a manager that all of its connections share. */
export interface ConnectionOwner {
  readonly options: ResolvedManagerOptions;
  readonly budgets: PeerBudgets;
  readonly heartbeat: Heartbeat;
  readonly slips: SlipReporter;
  /** Whether the manager's own reader takes the messages, or is likely to. */
  readonly isConsumed: () => boolean;
  /** Called when the connection was cut and the session waits for its client. */
  readonly detached: (managed: ManagedConnection, error: IpcError) => void;
  /** Called with each connection of the client, also with those that resume its session. */
  readonly attached: (managed: ManagedConnection) => void;
  /**
   * Called once, when the connection is over. `error`: the reason, undefined if this side closed it. `clean`: either side closed
   * it, and nothing was lost.
   */
  readonly ended: (managed: ManagedConnection, error: IpcError | undefined, clean: boolean) => void;
}

export interface ConnectionStart {
  readonly id: number;
  /** Called with each message instead of delivering it. */
  readonly intercept?: Intercept;
  /** Whether and how the session outlives its connection. */
  readonly resume?: ResumeStart | undefined;
}

/**
 * One client of a ServerManager: a peer that ends with its connection. A reader gets Connected first and, when the client
 * disconnects, the unread messages, then Disconnected. After that a `read` rejects with IPC_CLOSED and an iteration ends.
 *
 * While the manager is being read, a `read` of a connection that takes part in it rejects with IPC_CONSUMER_TAKEN. A connection
 * keeps the process alive only after `ref()`, because the listeners of its manager do.
 */
export class ServerConnection extends PeerSession {
  /**
   * 1 … 2^32-1, and no other client of this manager gets it; equals the client's `clientId` if it used golang-ipc's id protocol. A
   * golang-ipc client that redials its slot has its id again, with a new connection.
   */
  readonly id: number;

  constructor(id: number, core: PeerCore) {
    super(core);
    this.id = id;
  }
}

const managedConnections = new WeakMap<ServerConnection, ManagedConnection>();

/** A connection with what only its manager may do with it. */
export class ManagedConnection implements PeerOwner {
  readonly connection: ServerConnection;
  readonly #core: PeerCore;
  /** Undefined: messages are delivered. */
  readonly intercept: ((message: DataMessage) => void) | undefined;
  readonly #owner: ConnectionOwner;
  #provedKeys: ProvedKeys | undefined;
  #reason: IpcError | undefined;

  constructor(owner: ConnectionOwner, { id, intercept, resume }: ConnectionStart, established: EstablishedConnection) {
    const { options, budgets, heartbeat, slips } = owner;
    const { name, limits, security } = options;
    this.#owner = owner;
    this.intercept = intercept && ((message) => intercept(this.connection, message));
    this.#core = new PeerCore(
      {
        name,
        limits,
        budgets,
        heartbeat,
        slips,
        security,
        resume,
        status: "Not Connected",
        remote: established.remote,
      },
      this,
    );
    // The manager's listeners keep the process alive; a connection does only after a `ref()` of its own.
    this.#core.setReferenced(false);
    this.connection = new ServerConnection(id, this.#core);
    managedConnections.set(this.connection, this);
    this.#core.connect(established);
  }

  static of(connection: ServerConnection): ManagedConnection {
    // A manager makes no other connections.
    return managedConnections.get(connection) as ManagedConnection;
  }

  /** The unread messages, for the manager's own stream. */
  get inbox(): Inbox {
    return this.#core.reader.inbox;
  }

  get consumer(): InboxConsumer {
    return this.#core.reader.consumer;
  }

  /** Whether the connection would accept a message at once, or as soon as a large one before it is encoded. */
  get hasRoom(): boolean {
    return this.#core.hasRoom;
  }

  /** Whether the connection would accept a message at once. */
  get isFree(): boolean {
    return this.#core.isFree;
  }

  /** Why the connection has ended; undefined if this side closed it. */
  get reason(): IpcError | undefined {
    return this.#reason;
  }

  /** Ends the connection because its manager failed; unread messages can still be read. */
  fail(error: IpcError): void {
    this.#core.finish("Error", error);
  }

  /** Ends the connection as if it were lost. Returns false if it is over already. */
  endConnection(error: IpcError): boolean {
    return this.#core.reader.endConnection(error);
  }

  /** Whether an error says that the connection is over. */
  isEnd(error: IpcError): boolean {
    return this.#core.reader.isEnd(this.#reason, error);
  }

  /** Ends the session, if it waits for its client. */
  evict(why: string): void {
    this.#core.evict(why);
  }

  /** Ends the connection if its client has proved a key that was withdrawn. */
  refuseWithdrawn(keys: KeyRing): void {
    const error = keys.withdrawal(this.#provedKeys);
    if (error !== undefined) this.#core.refuse(error);
  }

  isConsumed(): boolean {
    return this.#owner.isConsumed();
  }

  onConnected(_origin: MessageOrigin, { outcome }: EstablishedConnection): void {
    this.#provedKeys = outcome.provedKeys;
    this.#owner.attached(this);
  }

  onDetached(error: IpcError): void {
    // Its manager may end the session, and so may a listener of the status.
    this.#owner.detached(this, error);
    if (this.#core.isOpen) this.#core.setStatus("Reconnecting");
  }

  onDisconnected(error: IpcError, clean: boolean): void {
    // Kept for the reader of the Disconnected status.
    this.#reason = error;
    this.#core.setStatus("Disconnected");
    if (!clean) this.#core.reader.emit("lost", error);
    this.#core.finish("Disconnected");
    this.#owner.ended(this, error, clean);
  }

  onClosed(): void {
    this.#owner.ended(this, this.#reason, this.#reason === undefined);
  }

  onSilence(news: SilenceNews): void {
    const { name, logger } = this.#owner.options;
    const { id, remote } = this.connection;
    reportSilence(logger, { role: "server", name, id, remote }, news);
  }

  onDestroy(reason: unknown): void {
    const { status } = this.connection;
    const isThere = status === "Connected" || status === "Closing" || status === "Reconnecting";
    if (reason !== undefined && isThere) this.#reason ??= asError(reason);
  }
}

function asError(reason: unknown): IpcError {
  if (isIpcError(reason)) return reason;
  return new SessionError("IPC_CLOSED", "this connection was destroyed", { cause: reason });
}
