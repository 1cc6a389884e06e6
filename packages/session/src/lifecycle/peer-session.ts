import type { AbortOptions } from "@ipc/transport";
import { formatValue } from "@ipc/transport/internal";
import type { EstablishedConnection } from "../codec/codec.js";
import { Connection } from "../connection/connection.js";
import { WriteQueue } from "../connection/write-queue.js";
import { Deferred, handledRejection, settleWithin } from "../deferred.js";
import type { IpcError } from "../errors.js";
import { SessionError } from "../errors.js";
import type { EndKind } from "../inbox/message-source.js";
import type { Status } from "../message.js";
import {
  CLOSE_TIMEOUT_MS,
  validateAbortOptions,
  validateCloseOptions,
  validateWrite,
} from "../options/call-arguments.js";
import type { PeerLimits } from "../options/peer-options.js";
import type { CloseOptions, Peer, PeerEvents, PeerStats } from "../peer.js";
import type { ConnectionSecurity } from "../security.js";
import type { PeerBudgets, SharedBudget } from "../shared-budget.js";
import { destroyStream } from "../stream-close.js";
import { PeerReader } from "./peer-reader.js";
import { TrafficCounters } from "./traffic-counters.js";

const DONE: Promise<void> = Promise.resolve();

export interface PeerStart {
  readonly limits: PeerLimits;
  readonly budgets?: PeerBudgets;
  readonly status: Status;
  readonly remote: string;
  readonly security: ConnectionSecurity;
}

type State =
  /** Before the first connection: writes are queued for it. */
  | { readonly name: "waiting"; readonly writes: WriteQueue }
  | { readonly name: "connected"; readonly connection: Connection }
  /** Between two connections: writes are rejected. */
  | { readonly name: "disconnected" }
  | { readonly name: "closing"; readonly connection: Connection | undefined; readonly done: Promise<void> }
  | { readonly name: "ended"; readonly done: Promise<void> };

/**
 * Sends and receives messages over successive connections to a peer: the common base of clients, servers and sessions.
 * Subclasses supply the connections and decide what follows the end of one.
 */
export abstract class PeerSession<E extends PeerEvents = PeerEvents> extends PeerReader<E> implements Peer<E> {
  readonly #limits: PeerLimits;
  readonly #queuedBudget: SharedBudget | undefined;
  readonly #traffic = new TrafficCounters();
  #state: State;
  #security: ConnectionSecurity;
  #remote: string;
  #referenced = true;

  protected constructor({ limits, budgets, status, remote, security }: PeerStart) {
    super(status, limits.maxUnreadBytes, budgets?.unread);
    this.#limits = limits;
    this.#queuedBudget = budgets?.queued;
    this.#remote = remote;
    this.#security = security;
    this.#state = { name: "waiting", writes: new WriteQueue(limits.maxQueuedBytes) };
  }

  /** Releases the source of connections: a listener, a dial in progress. Called once; must not fail. */
  protected abstract release(): Promise<void>;

  /** Sets whether the source of connections keeps the process alive. */
  protected abstract setReferenced(referenced: boolean): void;

  /** Called when a connection ended without a request of this side; decides what follows. */
  protected abstract onDisconnected(error: IpcError, clean: boolean): void;

  /** Called when a connection is established, before any event reports it. */
  protected onConnected(): void {}

  /** Called when this side has ended the connection. */
  protected onClosed(): void {}

  get security(): ConnectionSecurity {
    return this.#security;
  }

  get remote(): string {
    return this.#remote;
  }

  get stats(): PeerStats {
    const state = this.#state;
    const connection = state.name === "connected" || state.name === "closing" ? state.connection : undefined;
    return this.#traffic.stats(connection?.sender, this.unreadBytes);
  }

  write(type: number, data: string | Uint8Array, options?: AbortOptions): Promise<void> {
    const state = this.#state;
    const maxSize = state.name === "connected" ? state.connection.maxSendSize : this.#limits.maxMessageSize;
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const fault = validateWrite(type, bytes, maxSize) ?? validateAbortOptions("write", options);
    if (fault !== undefined) return handledRejection(fault);
    switch (state.name) {
      case "connected":
        return state.connection.sender.write(type, bytes, options?.signal);
      case "waiting":
        return state.writes.write(type, bytes, options?.signal);
      case "disconnected":
      case "closing":
      case "ended":
        return handledRejection(this.#unreachable("write"));
    }
  }

  writeMessage(
    message: { readonly type: number; readonly data: string | Uint8Array },
    options?: AbortOptions,
  ): Promise<void> {
    if (typeof message !== "object" || message === null) {
      return handledRejection(
        new TypeError(`writeMessage: \`message\` takes an object with type and data, got ${formatValue(message)}`),
      );
    }
    return this.write(message.type, message.data, options);
  }

  flush(options?: AbortOptions): Promise<void> {
    const fault = validateAbortOptions("flush", options);
    if (fault !== undefined) return handledRejection(fault);
    const state = this.#state;
    switch (state.name) {
      case "connected":
        return state.connection.sender.flush(options?.signal);
      case "waiting":
        return state.writes.size === 0 ? DONE : state.writes.flush(options?.signal);
      case "disconnected":
      case "closing":
      case "ended":
        return handledRejection(this.#unreachable("flush"));
    }
  }

  close(options: CloseOptions = {}): Promise<void> {
    const fault = validateCloseOptions(options);
    if (fault !== undefined) return handledRejection(fault);
    const state = this.#state;
    if (state.name === "closing" || state.name === "ended") return state.done;
    const done = new Deferred<void>({ what: "close", onCancel: () => {} });
    this.#state = { name: "closing", connection: this.#connection, done: done.promise };
    this.#drain(state, options.timeoutMs ?? CLOSE_TIMEOUT_MS).then(
      () => done.resolve(),
      (error: Error) => done.reject(error),
    );
    this.setStatus("Closing");
    return done.promise;
  }

  destroy(reason?: unknown): void {
    const state = this.#state;
    if (state.name === "ended") return;
    const error = (): SessionError => new SessionError("IPC_CLOSED", "this peer was destroyed", { cause: reason });
    if (state.name === "closing") {
      state.connection?.destroy(error());
      return;
    }
    this.#end("Closed", "destroyed", error);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  ref(): this {
    return this.#setReferenced(true);
  }

  unref(): this {
    return this.#setReferenced(false);
  }

  /** False once this peer is closing, closed or failed. */
  protected get isOpen(): boolean {
    return this.#state.name !== "closing" && this.#state.name !== "ended";
  }

  protected get isConnected(): boolean {
    return this.#state.name === "connected";
  }

  /** Whether a write is accepted without waiting. */
  protected get hasRoom(): boolean {
    return this.#connection?.sender.isFree ?? false;
  }

  /** Takes over a new connection. Returns false if this peer no longer needs one; its stream is then destroyed. */
  protected connect({ stream, outcome, rest, remote }: EstablishedConnection): boolean {
    const state = this.#state;
    if (state.name !== "waiting" && state.name !== "disconnected") {
      destroyStream(stream);
      return false;
    }
    const { maxMessageSize: maxReceiveSize, maxQueuedBytes, busyPollUs } = this.#limits;
    const waiting = state.name === "waiting" ? state.writes : new WriteQueue(maxQueuedBytes);
    const budget = this.#queuedBudget;
    const limits = { maxReceiveSize, maxQueuedBytes, busyPollUs };
    const connection = new Connection({ stream, outcome, rest, ...limits, budget, waiting });
    this.#state = { name: "connected", connection };
    this.#security = connection.security;
    this.#remote = remote;
    this.#traffic.connected();
    connection.setReferenced(this.#referenced);
    if (this.isFull) connection.pause();
    connection.attach({
      message: (message) => {
        this.#traffic.received(message.data.length);
        this.receive(message);
      },
      bufferDone: (buffer) => this.receivedBuffer(buffer),
      acceptsRemaining: () => this.acceptsRemaining,
      end: (error, clean) => {
        this.#traffic.disconnected(connection.sender);
        this.#state = { name: "disconnected" };
        this.onDisconnected(error, clean);
      },
    });
    this.onConnected();
    this.setStatus("Connected");
    // Begin in the next macrotask, so that listeners added as soon as the connection is reported miss no message.
    setImmediate(() => connection.begin());
    return this.isOpen;
  }

  /** Ends this peer for good. With an error, every wait rejects with it and `error` is emitted. */
  protected finish(status: Status, error?: IpcError): void {
    if (!this.isOpen) return;
    if (error === undefined) this.#end(status, "done", () => this.#unreachable("read"));
    else this.#end(status, "failed", () => error);
  }

  protected override pauseInput(): void {
    this.#connection?.pause();
  }

  protected override resumeInput(): void {
    this.#connection?.resume();
  }

  get #connection(): Connection | undefined {
    return this.#state.name === "connected" ? this.#state.connection : undefined;
  }

  #setReferenced(referenced: boolean): this {
    this.#referenced = referenced;
    this.#connection?.setReferenced(referenced);
    this.setReferenced(referenced);
    return this;
  }

  /** The part before the first `await` runs before `close` returns, so nothing is delivered after that. */
  async #drain(state: State, timeoutMs: number): Promise<void> {
    if (state.name === "waiting") state.writes.rejectAll(this.#unreachable("write"));
    const released = settleWithin(timeoutMs, this.release());
    try {
      if (state.name === "connected") await state.connection.close(timeoutMs);
    } finally {
      await released;
      this.#state = { name: "ended", done: DONE };
      this.setStatus("Closed");
      if (state.name === "connected") this.#closed(state.connection);
      this.endReading("done", () => this.#unreachable("read"));
    }
  }

  #closed(connection: Connection): void {
    this.#traffic.disconnected(connection.sender);
    this.onClosed();
  }

  #end(status: Status, kind: EndKind, error: () => IpcError): void {
    const state = this.#state;
    this.#state = { name: "ended", done: this.release() };
    if (state.name === "waiting") state.writes.rejectAll(error());
    if (state.name === "connected") state.connection.destroy(error());
    if (this.status !== status) this.setStatus(status);
    if (state.name === "connected") this.#closed(state.connection);
    this.endReading(kind, error);
  }

  #unreachable(what: string): SessionError {
    return this.#state.name === "disconnected"
      ? new SessionError(
          "IPC_NOT_CONNECTED",
          `${what}: there is no connection now (status: ${this.status}); wait for the status Connected`,
        )
      : new SessionError("IPC_CLOSED", `${what}: this peer is closed (status: ${this.status}); start a new one`);
  }
}
