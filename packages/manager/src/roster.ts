import {
  channels,
  describeSecurity,
  dropStream,
  type Established,
  type IpcError,
  isClientIdRequest,
  type PeerBudgets,
  SessionError,
  SharedBudget,
} from "@ipc/session";
import type { CameBy } from "./doors.js";
import { IdDesk } from "./id-desk.js";
import type { ResolvedManagerOptions } from "./manager-options.js";
import { type Intercept, ServerConnection } from "./server-connection.js";
import type { SharedStream } from "./shared-stream.js";
import type { Slots } from "./slots.js";

/** Where two doors are one, how long somebody may say nothing before he is taken for a client, in milliseconds. */
const UNDECIDED_MS = 100;

interface Arrival {
  readonly established: Established;
  readonly by: CameBy;
  readonly id: number;
}

export interface RosterOptions {
  readonly options: ResolvedManagerOptions;
  readonly slots: Slots;
  readonly stream: SharedStream;
  readonly connected: (connection: ServerConnection) => void;
  readonly disconnected: (connection: ServerConnection, error: IpcError | undefined) => void;
  readonly refused: (remote: string, error: IpcError) => void;
}

/** Everybody who has come through a door: the clients, by id, and those who are here to ask for an id. */
export class Roster {
  readonly connections: Map<number, ServerConnection> = new Map();
  readonly budgets: PeerBudgets;
  readonly #events: RosterOptions;
  readonly #options: ResolvedManagerOptions;
  readonly #desk: IdDesk;
  /** Of whom it is not known yet whether they are clients, or have come to ask. They hold a place until then. */
  readonly #undecided = new Map<ServerConnection, NodeJS.Timeout>();
  /** Who came before the manager was there to be told. */
  readonly #early: Arrival[] = [];
  #state: "starting" | "open" | "closed" = "starting";
  #referenced = true;

  constructor(events: RosterOptions) {
    const { options, slots, refused } = events;
    this.#events = events;
    this.#options = options;
    this.budgets = {
      unread: new SharedBudget(options.maxTotalUnreadBytes),
      queued: new SharedBudget(options.maxTotalQueuedBytes),
    };
    this.#desk = new IdDesk({ slots, deadlineMs: options.handshakeTimeoutMs, refused });
  }

  /** Why nobody is let in just now. */
  busy(): SessionError | undefined {
    const { name, maxConnections } = this.#options;
    if (this.#state === "closed") return new SessionError("IPC_CLOSED", `server \`${name}\` is closed`);
    if (this.connections.size + this.#undecided.size + this.#early.length >= maxConnections) {
      return new SessionError(
        "IPC_SERVER_BUSY",
        `server \`${name}\` serves ${maxConnections} clients, its \`maxConnections\``,
      );
    }
    const { limit, share } = this.budgets.unread;
    // Each may leave a message of any size behind when it goes: one after the other would fill the memory.
    if (share > 0 || this.#events.stream.goneBytes < limit) return undefined;
    return new SessionError(
      "IPC_SERVER_BUSY",
      `server \`${name}\` has its \`maxTotalUnreadBytes\` of ${limit} bytes unread of clients that have gone; read faster, or raise that`,
    );
  }

  /** Tells of everybody who has come already, and from now on at once. */
  open(): void {
    if (this.#state !== "starting") return;
    this.#state = "open";
    for (const { established, by, id } of this.#early.splice(0)) this.arrive(established, by, id);
  }

  arrive(established: Established, by: CameBy, id: number): void {
    if (this.#state === "starting") {
      this.#early.push({ established, by, id });
      return;
    }
    // The listener of one that came early may have ended everything.
    if (this.#state === "closed") {
      dropStream(established.stream);
      return;
    }
    switch (by) {
      case "shared":
      case "slot":
        this.#announce(this.#connect(established, id));
        break;
      case "manager":
        this.#desk.receive(this.#connect(established, id, this.#askerSays));
        break;
      case "either":
        this.#decideLater(this.#connect(established, id, this.#somebodySays));
        break;
    }
  }

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    this.#desk.setReferenced(referenced);
    for (const connection of this.#everybody()) {
      if (referenced) connection.ref();
      else connection.unref();
    }
  }

  /** Sends what was accepted to everybody; rejects with IPC_CLOSE_INCOMPLETE, which says for how many that took too long. */
  async close(timeoutMs: number): Promise<void> {
    this.#shut();
    const closing = this.#everybody().map((connection) => connection.close({ timeoutMs }));
    const failures = (await Promise.allSettled(closing)).filter((result) => result.status === "rejected");
    const first = failures[0];
    if (first === undefined) return;
    throw new SessionError(
      "IPC_CLOSE_INCOMPLETE",
      `${failures.length} of ${closing.length} connections did not take what was accepted within ${timeoutMs} ms, the first: ${String(first.reason)}`,
      { cause: first.reason },
    );
  }

  destroy(reason: unknown): void {
    this.#shut();
    for (const connection of this.#everybody()) connection.destroy(reason);
  }

  fail(error: IpcError): void {
    this.#shut();
    for (const connection of this.#everybody()) ServerConnection.fail(connection, error);
  }

  #shut(): void {
    this.#state = "closed";
    for (const { established } of this.#early.splice(0)) dropStream(established.stream);
    this.#desk.close();
    for (const timer of this.#undecided.values()) clearTimeout(timer);
  }

  #everybody(): ServerConnection[] {
    return [...this.connections.values(), ...this.#undecided.keys()];
  }

  #connect(established: Established, id: number, intercept?: Intercept): ServerConnection {
    const connection = new ServerConnection(
      {
        id,
        options: this.#options,
        budgets: this.budgets,
        ...(intercept && { intercept }),
        ending: (ending) => this.#announceUnheard(ending),
        ended: (ended, error) => this.#left(ended, error),
      },
      established,
    );
    return this.#referenced ? connection : connection.unref();
  }

  #announce(connection: ServerConnection): void {
    const { name, logger } = this.#options;
    const { id, remote, security } = connection;
    this.connections.set(id, connection);
    logger.info(`server ${name}: client ${id}, ${remote} connected (${describeSecurity(security)})`);
    channels.connect({ role: "server", name, id, remote, security });
    this.#events.connected(connection);
    // Who wants to read it singly has begun by now.
    this.#events.stream.join(connection);
  }

  #left(connection: ServerConnection, error: IpcError | undefined): void {
    const hadNotAsked = this.#desk.left(connection);
    this.#announceUnheard(connection);
    if (this.connections.get(connection.id) !== connection) {
      if (hadNotAsked && error !== undefined) this.#events.refused(connection.remote, error);
      return;
    }
    this.connections.delete(connection.id);
    const { name, logger } = this.#options;
    const { id, remote } = connection;
    if (error === undefined) logger.info(`server ${name}: client ${id}, ${remote} went away`);
    else logger.warn(`server ${name}: client ${id}, ${remote}: ${error.message}`);
    channels.disconnect({ role: "server", name, id, remote, error });
    this.#events.disconnected(connection, error);
    // Its inbox has its end by then.
    queueMicrotask(() => this.#events.stream.leave(connection));
  }

  /** Who goes before it is known what he is was a client. */
  #announceUnheard(connection: ServerConnection): void {
    if (this.#decide(connection) && this.#state === "open") this.#announce(connection);
  }

  readonly #askerSays: Intercept = (connection, message) => {
    this.#desk.hear(connection, message);
    return true;
  };

  #decideLater(connection: ServerConnection): void {
    const isClient = (): void => {
      this.#decide(connection);
      this.#announce(connection);
    };
    this.#undecided.set(connection, setTimeout(isClient, UNDECIDED_MS).unref());
  }

  /** Whether it was undecided until now. */
  #decide(connection: ServerConnection): boolean {
    clearTimeout(this.#undecided.get(connection));
    return this.#undecided.delete(connection);
  }

  readonly #somebodySays: Intercept = (connection, message) => {
    if (this.#desk.has(connection)) return this.#askerSays(connection, message);
    const wasUndecided = this.#decide(connection);
    if (isClientIdRequest(message)) {
      this.#desk.receive(connection);
      return this.#askerSays(connection, message);
    }
    if (wasUndecided) this.#announce(connection);
    return false;
  };
}
