import { clearInterval, setImmediate, setInterval } from "node:timers";
import { TransportError } from "@ipc/transport";
import { messageOf } from "@ipc/transport/internal";
import type { NatsConnectionLike, NatsMessage, NatsSubscription } from "./nats-connection.js";

/** The streams, listeners and dials that use a broker, as the broker notifies them. */
export interface BrokerUser {
  /** Twice in each `heartbeatMs`, after what had arrived by then. */
  onTick?(): void;
  /** This process is connected again; what was published in between may be lost. */
  onReconnected?(): void;
  /** The broker does not let this process publish there. */
  onDenied?(subject: string): void;
  /** The connection to the broker has been closed for good. */
  onClosed(error: TransportError): void;
}

export type OnMessage = (error: Error | null, message: NatsMessage) => void;

const CLOSED =
  "the NATS connection is closed: its owner has closed it, or it gave up reconnecting; make another one and a transport over it, with `maxReconnectAttempts: -1` to reconnect for ever";

/** By how much the windows of all transports over a connection have grown together: the broker bounds what it holds for a connection. */
interface Growth {
  bytes: number;
}

const growths = new WeakMap<NatsConnectionLike, Growth>();

/** A connection to a broker: publishes, subscribes, and tells its users what happens to it. It never closes the connection. */
export class Broker {
  readonly #connection: NatsConnectionLike;
  readonly #tickMs: number;
  readonly #sharedWindow: number;
  readonly #growth: Growth;
  readonly #users = new Set<BrokerUser>();
  #ticking: NodeJS.Timeout | undefined;
  #state: "unwatched" | "connected" | "reconnecting" | "closed" = "unwatched";

  constructor(connection: NatsConnectionLike, heartbeatMs: number, sharedWindow: number) {
    this.#connection = connection;
    this.#sharedWindow = sharedWindow;
    this.#growth = growths.get(connection) ?? { bytes: 0 };
    growths.set(connection, this.#growth);
    this.#tickMs = Math.ceil(heartbeatMs / 2);
  }

  /** The largest message, in bytes. */
  get maxPayload(): number {
    return this.#connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Returns if messages can be published now.
   * @throws TransportError `IPC_PEER_GONE` if the connection is closed, `IPC_TRANSPORT_FAILED` while it reconnects
   */
  assertConnected(doing: string): void {
    if (this.#connection.isClosed() || this.#connection.isDraining()) {
      throw new TransportError("IPC_PEER_GONE", `${doing} failed: ${CLOSED}`);
    }
    this.#watch();
    if (this.#state === "connected") return;
    throw new TransportError(
      "IPC_TRANSPORT_FAILED",
      `${doing} failed: this process has lost its broker and reconnects; try again`,
    );
  }

  /** @throws TransportError `IPC_TRANSPORT_FAILED` */
  publish(subject: string, payload: Uint8Array, reply: string): void {
    try {
      this.#connection.publish(subject, payload, { reply });
    } catch (error) {
      fail(`publishing to ${subject}`, error);
    }
  }

  /** @throws TransportError `IPC_TRANSPORT_FAILED` */
  subscribe(subject: string, callback: OnMessage, queue?: string): NatsSubscription {
    try {
      return this.#connection.subscribe(subject, { callback, ...(queue !== undefined && { queue }) });
    } catch (error) {
      return fail(`subscribing to ${subject}`, error);
    }
  }

  /** Resolves when the broker knows all that was published and subscribed. Rejects with NATS's error. */
  flush(): Promise<void> {
    return this.#connection.flush();
  }

  /** Takes as much of `bytes` as there is for a window that grows; returns how much that is. */
  takeWindow(bytes: number): number {
    const taken = Math.min(bytes, Math.max(0, this.#sharedWindow - this.#growth.bytes));
    this.#growth.bytes += taken;
    return taken;
  }

  returnWindow(bytes: number): void {
    this.#growth.bytes -= bytes;
  }

  add(user: BrokerUser): void {
    this.#users.add(user);
    if (this.#ticking !== undefined) return;
    // After the input that waits in the event loop: it may be what was missed while this process was busy.
    this.#ticking = setInterval(() => setImmediate(() => this.#each((each) => each.onTick?.())), this.#tickMs);
    this.#ticking.unref();
  }

  remove(user: BrokerUser): void {
    this.#users.delete(user);
    if (this.#users.size > 0) return;
    clearInterval(this.#ticking);
    this.#ticking = undefined;
  }

  #watch(): void {
    if (this.#state !== "unwatched") return;
    this.#state = "connected";
    void this.#follow();
  }

  async #follow(): Promise<void> {
    for await (const status of this.#connection.status()) {
      if (status.type === "disconnect") this.#state = "reconnecting";
      else if (status.type === "reconnect") {
        this.#state = "connected";
        this.#each((user) => user.onReconnected?.());
      } else if (status.type === "error") {
        const subject = status.error && deniedSubject(status.error);
        if (subject !== undefined) this.#each((user) => user.onDenied?.(subject));
      }
    }
    this.#state = "closed";
    this.#each((user) => user.onClosed(new TransportError("IPC_LISTENER_LOST", CLOSED)));
  }

  #each(tell: (user: BrokerUser) => void): void {
    for (const user of [...this.#users]) if (this.#users.has(user)) tell(user);
  }
}

function fail(doing: string, cause: unknown): never {
  throw new TransportError("IPC_TRANSPORT_FAILED", `${doing} failed: ${messageOf(cause)}`, { cause });
}

/** Returns the subject that the broker's permissions do not let this process publish to. */
function deniedSubject(error: Error): string | undefined {
  const { name, operation, subject } = error as Error & { readonly operation?: unknown; readonly subject?: unknown };
  return name === "PermissionViolationError" && operation === "publish" && typeof subject === "string"
    ? subject
    : undefined;
}
