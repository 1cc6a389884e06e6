import type { KeyRing } from "@ipc/server/internal";
import { type CloseOptions, type IpcError, SessionError } from "@ipc/session";
import {
  describeSecurity,
  destroyStream,
  diagnostics,
  type EstablishedConnection,
  Heartbeat,
  type PeerBudgets,
  type ResumeRegistry,
  type ResumeStart,
  SharedBudget,
  type SlipReporter,
} from "@ipc/session/internal";
import type { Endpoint } from "@ipc/transport";
import { ClientIdService } from "./client-id-service.js";
import { DetachedClients } from "./detached-clients.js";
import type { ResolvedManagerOptions } from "./manager-options.js";
import type { MergedStream } from "./merged-stream.js";
import { type ConnectionOwner, type Intercept, ManagedConnection, type ServerConnection } from "./server-connection.js";
import type { Slots } from "./slots.js";

/** Limit of the bytes that all sessions keep until their clients have received them: 256 MiB. */
const MAX_KEPT_BYTES = 268_435_456;

/** Current figures. */
export interface ManagerStats {
  /** The size of `connections`. */
  readonly connections: number;
  /** Those of them that wait for their client to resume the session. */
  readonly detached: number;
  /** Received and not yet read, over all connections: data, and 160 bytes for each message. */
  readonly unreadBytes: number;
  /** Accepted by `write` and not yet with the kernel, over all connections: bytes on the wire. */
  readonly queuedBytes: number;
}

interface QueuedConnection {
  readonly established: EstablishedConnection;
  readonly by: Endpoint["kind"];
  readonly id: number;
}

export interface ConnectionRegistryOptions {
  readonly options: ResolvedManagerOptions;
  readonly keys: KeyRing;
  readonly slots: Slots;
  readonly sessions: ResumeRegistry;
  readonly stream: MergedStream;
  /** Shared by all connections and the manager, so that many clients cause no more warnings than one. */
  readonly slips: SlipReporter;
  readonly connected: (connection: ServerConnection) => void;
  readonly disconnected: (connection: ServerConnection, error: IpcError | undefined) => void;
  readonly refused: (error: IpcError) => void;
}

/** The established connections: the clients, by id, and the connections that request an id. */
export class ConnectionRegistry {
  readonly connections: Map<number, ServerConnection> = new Map();
  /** The same connections, with the manager's access to them. */
  readonly clients: Map<number, ManagedConnection> = new Map();
  readonly budgets: PeerBudgets;
  readonly #owner: ConnectionOwner;
  readonly #events: ConnectionRegistryOptions;
  readonly #options: ResolvedManagerOptions;
  readonly #clientIds: ClientIdService;
  /** The connections that request an id. */
  readonly #requests = new Set<ManagedConnection>();
  readonly #detached: DetachedClients;
  /** Bytes that all sessions keep together. */
  readonly #kept = new SharedBudget(MAX_KEPT_BYTES);
  /** Connections established before the manager emits events. */
  readonly #queued: QueuedConnection[] = [];
  #state: "starting" | "open" | "closed" = "starting";

  constructor(events: ConnectionRegistryOptions) {
    const { options, slots } = events;
    this.#events = events;
    this.#options = options;
    this.#detached = new DetachedClients(options);
    this.budgets = {
      unread: new SharedBudget(options.maxTotalUnreadBytes),
      queued: new SharedBudget(options.maxTotalQueuedBytes),
    };
    this.#owner = {
      options,
      budgets: this.budgets,
      heartbeat: new Heartbeat(options.limits),
      slips: events.slips,
      isConsumed: () => events.stream.isConsumed,
      detached: (managed, error) => this.#detached.add(managed, error),
      attached: (managed) => this.#detached.onAttached(managed),
      ended: (managed, error, clean) => this.#onClosed(managed, error, clean),
    };
    this.#clientIds = new ClientIdService({ slots, deadlineMs: options.handshakeTimeoutMs, refused: this.#refuse });
  }

  get stats(): ManagerStats {
    const { connections, budgets } = this;
    const detached = this.#detached.size;
    return {
      connections: connections.size,
      detached,
      unreadBytes: budgets.unread.used,
      queuedBytes: budgets.queued.used,
    };
  }

  /** Returns the reason to reject clients at the moment, or undefined. */
  busy(): SessionError | undefined {
    const { name } = this.#options;
    if (this.#state === "closed") return new SessionError("IPC_CLOSED", `server \`${name}\` is closed`);
    const full = this.#full();
    if (full !== undefined) return full;
    const { limit, share } = this.budgets.unread;
    // Each client may leave a message of any size unread when it disconnects, or is cut: many in a row would fill the memory.
    if (share > 0 || this.#events.stream.disconnectedBytes + this.#detached.unreadBytes < limit) return undefined;
    return new SessionError(
      "IPC_SERVER_BUSY",
      `server \`${name}\` is busy: unread messages of disconnected clients fill its \`maxTotalUnreadBytes\` of ${limit} bytes; read faster, or raise the limit`,
    );
  }

  #full(): SessionError | undefined {
    const { name, maxConnections } = this.#options;
    const away = this.#detached.size - this.#events.sessions.returningSessions;
    if (this.connections.size - away + this.#queued.length < maxConnections) return undefined;
    return new SessionError(
      "IPC_SERVER_BUSY",
      `server \`${name}\` is busy: ${maxConnections} clients, its \`maxConnections\`; retry later, or raise the limit`,
    );
  }

  /** Announces the queued connections, and from now on each new one at once. */
  open(): void {
    if (this.#state !== "starting") return;
    this.#state = "open";
    for (const { established, by, id } of this.#queued.splice(0)) this.onEstablished(established, by, id);
  }

  onEstablished(established: EstablishedConnection, by: Endpoint["kind"], id: number): void {
    if (this.#state === "starting") {
      this.#queued.push({ established, by, id });
      return;
    }
    // A listener notified of an earlier connection may have closed the manager.
    if (this.#state === "closed") {
      destroyStream(established.stream);
      return;
    }
    const answer = established.outcome.resume?.answer;
    if (answer?.how === "resumed") {
      answer.session?.owner.connect(established);
      // Its keys may have been withdrawn during the handshake.
      this.refuseWithdrawn();
      return;
    }
    switch (by) {
      case "name":
      case "slot": {
        const managed = new ManagedConnection(this.#owner, { id, resume: this.#resume }, established);
        this.#announce(managed);
        managed.refuseWithdrawn(this.#events.keys);
        break;
      }
      case "manager": {
        const intercept = this.#onIdRequestMessage;
        const managed = new ManagedConnection(this.#owner, { id, intercept }, established);
        this.#requests.add(managed);
        this.#clientIds.receive(managed.connection);
        managed.refuseWithdrawn(this.#events.keys);
        break;
      }
    }
  }

  /** Ends the connections whose clients have proved a key that was withdrawn. */
  refuseWithdrawn(): void {
    // A listener that is told of one end may end another, or replace the keys again.
    for (const managed of [...this.clients.values(), ...this.#requests]) managed.refuseWithdrawn(this.#events.keys);
  }

  /** Drops the connections that request an id; they would get one that nothing listens at. */
  stopAccepting(): void {
    this.#clientIds.close();
  }

  /** Drains every connection; rejects as `close` does. */
  drain(timeoutMs: number): Promise<void> {
    return this.#endAll("drain", { timeoutMs });
  }

  /** Sends accepted data and closes; rejects with IPC_CLOSE_INCOMPLETE, with the number of connections that took too long. */
  close(timeoutMs: number): Promise<void> {
    this.#shut();
    return this.#endAll("close", { timeoutMs });
  }

  async #endAll(how: "drain" | "close", options: Required<CloseOptions>): Promise<void> {
    const { timeoutMs } = options;
    const closing = [...this.connections.values()].map((connection) => connection[how](options));
    const failures = (await Promise.allSettled(closing)).filter((result) => result.status === "rejected");
    const first = failures[0];
    if (first === undefined) return;
    throw new SessionError(
      "IPC_CLOSE_INCOMPLETE",
      `${how} incomplete: ${failures.length} of ${closing.length} connections did not receive every accepted message within ${timeoutMs} ms; first failure: ${String(first.reason)}`,
      { cause: first.reason },
    );
  }

  destroy(reason: unknown): void {
    this.#shut();
    for (const connection of this.connections.values()) connection.destroy(reason);
  }

  fail(error: IpcError): void {
    this.#shut();
    for (const managed of this.clients.values()) managed.fail(error);
  }

  #shut(): void {
    this.#state = "closed";
    for (const { established } of this.#queued.splice(0)) destroyStream(established.stream);
    this.#clientIds.close();
  }

  /** No further client can connect, so no session can be resumed. */
  noteLast(): void {
    this.#detached.noteLast();
  }

  get #resume(): ResumeStart | undefined {
    const { resume: limits } = this.#options;
    return limits && { limits, registry: this.#events.sessions, budget: this.#kept };
  }

  #announce(managed: ManagedConnection): void {
    const { name, logger } = this.#options;
    const { connection } = managed;
    const { id, remote, security } = connection;
    this.connections.set(id, connection);
    this.clients.set(id, managed);
    logger.info(`server ${name}: client ${id}, ${remote} connected (${describeSecurity(security)})`);
    diagnostics.connect({ role: "server", name, id, remote, security });
    this.#events.connected(connection);
    // A `connection` listener that reads this connection individually has started by now.
    this.#events.stream.join(managed);
  }

  #onClosed(managed: ManagedConnection, error: IpcError | undefined, clean: boolean): void {
    const { connection } = managed;
    const hadNotAsked = this.#clientIds.onClosed(connection);
    this.#requests.delete(managed);
    if (this.connections.get(connection.id) !== connection) {
      if (hadNotAsked && error !== undefined && !clean) this.#refuse(connection.remote, error);
      return;
    }
    this.connections.delete(connection.id);
    this.clients.delete(connection.id);
    this.#events.slots.leave(connection.id);
    const { name, logger } = this.#options;
    const { id, remote } = connection;
    if (error === undefined || clean) logger.info(`server ${name}: client ${id}, ${remote} disconnected`);
    else logger.warn(`server ${name}: client ${id}, ${remote}: ${error.message}`);
    // The end of the last connection of a session that nothing resumes was reported when it was cut.
    if (!this.#detached.delete(managed)) diagnostics.disconnect({ role: "server", name, id, remote, error });
    this.#events.disconnected(connection, error);
    // Deferred, because the inbox receives its end after this callback.
    queueMicrotask(() => this.#events.stream.leave(managed));
  }

  readonly #refuse = (remote: string, error: IpcError): void => {
    const { name, logger } = this.#options;
    logger.warn(`server ${name}: refused ${remote}: ${error.message}`);
    diagnostics.refused({ role: "server", name, remote, error });
    this.#events.refused(error);
  };

  readonly #onIdRequestMessage: Intercept = (connection, message) => this.#clientIds.onMessage(connection, message);
}
