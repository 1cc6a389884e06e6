import { setImmediate } from "node:timers";
import type { AbortOptions } from "@ipc/transport";
import type { EstablishedConnection } from "../codec/codec.js";
import { Connection } from "../connection/connection.js";
import { WriteQueue } from "../connection/write-queue.js";
import { Deferred, handledRejection } from "../deferred.js";
import { type IpcError, SessionError } from "../errors.js";
import { Heartbeat } from "../heartbeat/heartbeat.js";
import type { EndKind } from "../inbox/message-source.js";
import { type MessageOrigin, ReceivedMessage, type Status } from "../message.js";
import { validateAbortOptions, validateWrite } from "../options/call-arguments.js";
import type { PeerLimits } from "../options/peer-options.js";
import type { PeerEvents, PeerStats } from "../peer.js";
import type { ConnectionSecurity } from "../security.js";
import type { SharedBudget } from "../shared-budget.js";
import { destroyStream } from "../stream-close.js";
import { settleWithin } from "../time-limit.js";
import { ConnectionOrigin } from "./connection-origin.js";
import type { PeerOwner, PeerStart } from "./peer-owner.js";
import { PeerReader } from "./peer-reader.js";
import { TrafficCounters } from "./traffic-counters.js";

const DONE: Promise<void> = Promise.resolve();

type State =
  /** Before the first connection, and with `queueWhileDisconnected` before the next one: writes are queued for it. */
  | { readonly name: "waiting"; readonly writes: WriteQueue }
  | { readonly name: "connected"; readonly connection: Connection; readonly origin: ConnectionOrigin }
  /** Between two connections: writes are rejected. */
  | { readonly name: "disconnected" }
  | { readonly name: "closing"; readonly connection: Connection | undefined; readonly done: Promise<void> }
  | { readonly name: "ended"; readonly done: Promise<void> };

/** The state machine of a peer: sends over one connection after another, and receives into one reader. */
export class PeerCore<E extends PeerEvents = PeerEvents> {
  readonly reader: PeerReader<E>;
  readonly #owner: PeerOwner;
  readonly #limits: PeerLimits;
  readonly #queuedBudget: SharedBudget | undefined;
  readonly #heartbeat: Heartbeat;
  readonly #traffic = new TrafficCounters();
  #state: State;
  /** The current or last connection. */
  #current: Pick<MessageOrigin, "security" | "remote">;
  #isReferenced = true;

  constructor({ limits, budgets, heartbeat, status, remote, security }: PeerStart, owner: PeerOwner) {
    this.#owner = owner;
    this.#limits = limits;
    this.#queuedBudget = budgets?.queued;
    this.#heartbeat = heartbeat ?? new Heartbeat(limits);
    this.#current = { security, remote };
    this.#state = { name: "waiting", writes: new WriteQueue(limits.maxQueuedBytes) };
    this.reader = new PeerReader<E>({
      status,
      maxUnreadBytes: limits.maxUnreadBytes,
      budget: budgets?.unread,
      pauseInput: () => this.#connection?.pause(),
      resumeInput: () => this.#connection?.resume(),
    });
  }

  get security(): ConnectionSecurity {
    return this.#current.security;
  }

  get remote(): string {
    return this.#current.remote;
  }

  get stats(): PeerStats {
    const state = this.#state;
    const connection = state.name === "connected" || state.name === "closing" ? state.connection : undefined;
    return this.#traffic.stats(connection?.sender, this.reader.unreadBytes);
  }

  /** False once the peer is closing, closed or failed. */
  get isOpen(): boolean {
    return this.#state.name !== "closing" && this.#state.name !== "ended";
  }

  get isConnected(): boolean {
    return this.#state.name === "connected";
  }

  /** Whether a write is accepted without waiting. */
  get hasRoom(): boolean {
    return this.#connection?.sender.isFree ?? false;
  }

  get isReferenced(): boolean {
    return this.#isReferenced;
  }

  write(type: number, data: string | Uint8Array, options: AbortOptions | undefined): Promise<void> {
    const state = this.#state;
    if (state.name === "connected") return state.origin.reply(type, data, options);
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const fault = validateWrite(type, bytes, this.#limits.maxMessageSize) ?? validateAbortOptions("write", options);
    if (fault !== undefined) return handledRejection(fault);
    if (state.name === "waiting") return state.writes.write(type, bytes, options?.signal);
    return handledRejection(this.#unreachable("write"));
  }

  flush(signal: AbortSignal | undefined): Promise<void> {
    const state = this.#state;
    switch (state.name) {
      case "connected":
        return state.connection.sender.flush(signal);
      case "waiting":
        return state.writes.size === 0 ? DONE : state.writes.flush(signal);
      case "disconnected":
      case "closing":
      case "ended":
        return handledRejection(this.#unreachable("flush"));
    }
  }

  close(timeoutMs: number): Promise<void> {
    const state = this.#state;
    if (state.name === "closing" || state.name === "ended") return state.done;
    const done = new Deferred<void>({ what: "close", onCancel: () => {} });
    const connection = this.#connection;
    this.#enter({ name: "closing", connection, done: done.promise }, () => this.#unreachable("write"));
    this.#drain(connection, timeoutMs).then(
      () => done.resolve(),
      (error: Error) => done.reject(error),
    );
    this.setStatus("Closing");
    return done.promise;
  }

  destroy(reason: unknown): void {
    this.#owner.onDestroy?.(reason);
    const state = this.#state;
    const error = (): SessionError => new SessionError("IPC_CLOSED", "this peer was destroyed", { cause: reason });
    if (state.name === "closing") state.connection?.destroy(error());
    else if (state.name !== "ended") this.#end("Closed", "destroyed", error);
  }

  /** Sets whether the connections and their source keep the process alive; timers never do. */
  setReferenced(referenced: boolean): void {
    this.#isReferenced = referenced;
    this.#connection?.setReferenced(referenced);
    this.#owner.setReferenced?.(referenced);
  }

  setStatus(status: Status): void {
    this.reader.setStatus(status);
  }

  emit<K extends keyof E>(event: K, ...args: Extract<E[K], unknown[]>): void {
    this.reader.emit(event, ...args);
  }

  /** Takes over a new connection. Returns false if the peer no longer needs one; its stream is then destroyed. */
  connect({ stream, outcome, rest, remote }: EstablishedConnection): boolean {
    const state = this.#state;
    if (state.name !== "waiting" && state.name !== "disconnected") {
      destroyStream(stream);
      return false;
    }
    const { maxMessageSize: maxReceiveSize, maxQueuedBytes, busyPollUs } = this.#limits;
    const waiting = state.name === "waiting" ? state.writes : new WriteQueue(maxQueuedBytes);
    waiting.rejectLarger(outcome.maxSendSize);
    const budget = this.#queuedBudget;
    const limits = { maxReceiveSize, maxQueuedBytes, busyPollUs };
    const heartbeat = this.#heartbeat;
    const connection = new Connection({ stream, outcome, rest, ...limits, budget, waiting, heartbeat });
    const origin = new ConnectionOrigin(connection, remote);
    this.#enter({ name: "connected", connection, origin });
    this.#current = origin;
    this.#traffic.connected();
    connection.setReferenced(this.#isReferenced);
    if (this.reader.isFull) connection.pause();
    connection.attach({
      message: ({ type, data }) => this.#receive(new ReceivedMessage(type, data, origin)),
      bufferDone: (buffer) => this.reader.receivedBuffer(buffer),
      acceptsRemaining: () => this.reader.acceptsRemaining,
      end: (error, clean) => {
        origin.lose(error);
        const queues = this.#owner.queueWhileDisconnected === true;
        this.#enter(queues ? { name: "waiting", writes: new WriteQueue(maxQueuedBytes) } : { name: "disconnected" });
        this.#owner.onDisconnected(error, clean);
      },
      silence: (news) => {
        this.#owner.onSilence?.(news);
        this.reader.emitSilence(news);
      },
    });
    this.#owner.onConnected?.();
    this.setStatus("Connected");
    // Begin in the next macrotask, so that listeners added as soon as the connection is reported miss no message.
    setImmediate(() => connection.begin());
    return this.isOpen;
  }

  /** Ends the peer for good. With an error, every wait rejects with it and `error` is emitted. */
  finish(status: Status, error?: IpcError): void {
    if (!this.isOpen) return;
    if (error === undefined) this.#end(status, "done", () => this.#unreachable("read"));
    else this.#end(status, "failed", () => error);
  }

  get #connection(): Connection | undefined {
    return this.#state.name === "connected" ? this.#state.connection : undefined;
  }

  /**
   * The only place that changes the state. Ends what the state before held, unless `next` takes it over.
   * @param error for the waiting writes, or for a connection that is still open
   */
  #enter(next: State, error?: () => IpcError): void {
    const left = this.#state;
    this.#state = next;
    switch (left.name) {
      case "waiting":
        if (error !== undefined) left.writes.rejectAll(error());
        return;
      case "connected":
        if (next.name !== "disconnected") left.origin.end(() => this.#unreachable("write"));
        if (next.name === "closing") return;
        if (error !== undefined) left.connection.destroy(error());
        this.#traffic.disconnected(left.connection.sender);
        return;
      case "closing":
        if (left.connection !== undefined) this.#traffic.disconnected(left.connection.sender);
        return;
      case "disconnected":
      case "ended":
        return;
    }
  }

  #receive(message: ReceivedMessage): void {
    this.#traffic.received(message.data.length);
    const { intercept } = this.#owner;
    if (intercept === undefined) this.reader.receive(message);
    else intercept(message);
  }

  /** The part before the first `await` runs before `close` returns, so nothing is delivered after that. */
  async #drain(connection: Connection | undefined, timeoutMs: number): Promise<void> {
    const released = settleWithin(timeoutMs, this.#owner.release?.() ?? DONE);
    try {
      await connection?.close(timeoutMs);
    } finally {
      await released;
      this.#enter({ name: "ended", done: DONE });
      this.setStatus("Closed");
      if (connection !== undefined) this.#owner.onClosed?.();
      this.reader.end("done", () => this.#unreachable("read"));
    }
  }

  #end(status: Status, kind: EndKind, error: () => IpcError): void {
    const { isConnected } = this;
    this.#enter({ name: "ended", done: this.#owner.release?.() ?? DONE }, error);
    if (this.reader.status !== status) this.setStatus(status);
    if (isConnected) this.#owner.onClosed?.();
    this.reader.end(kind, error);
  }

  #unreachable(what: string): SessionError {
    return this.#state.name === "disconnected"
      ? new SessionError(
          "IPC_NOT_CONNECTED",
          `${what}: there is no connection now (status: ${this.reader.status}); wait for the status Connected`,
        )
      : new SessionError("IPC_CLOSED", `${what}: this peer is closed (status: ${this.reader.status}); start a new one`);
  }
}
