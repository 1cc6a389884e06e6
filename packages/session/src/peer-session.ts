import type { Wait } from "@ipc/transport";
import { Connection } from "./connection.js";
import { dropStream } from "./end-stream.js";
import type { IpcError } from "./errors.js";
import type { EndKind } from "./inbox-events.js";
import { show } from "./option-reader.js";
import type { CloseOptions, ConnectionSecurity, Peer, PeerEvents, PeerStats } from "./peer.js";
import { findCloseFault, findWaitFault, findWriteFault } from "./peer-arguments.js";
import { PeerReader } from "./peer-reader.js";
import type { Established, PeerLimits, PeerStart } from "./peer-start.js";
import { SessionError } from "./session-error.js";
import type { SharedBudget } from "./shared-budget.js";
import type { Status } from "./status.js";
import { Traffic } from "./traffic.js";
import { rejected, Waiter, within } from "./waiter.js";
import { WaitingWrites } from "./waiting-writes.js";

const CLOSE_TIMEOUT_MS = 5_000;
const DONE: Promise<void> = Promise.resolve();

type State =
  /** Before the first connection: writes wait for it. */
  | { readonly name: "waiting"; readonly writes: WaitingWrites }
  | { readonly name: "connected"; readonly connection: Connection }
  /** Between two connections. */
  | { readonly name: "apart" }
  | { readonly name: "closing"; readonly connection: Connection | undefined; readonly done: Promise<void> }
  | { readonly name: "ended"; readonly done: Promise<void> };

/**
 * The conversation with a peer over one connection after another: what clients and servers have in common. Those decide
 * where connections come from, and what follows the end of one.
 */
export abstract class PeerSession<E extends PeerEvents = PeerEvents> extends PeerReader<E> implements Peer<E> {
  readonly #limits: PeerLimits;
  readonly #queuedBudget: SharedBudget | undefined;
  readonly #traffic = new Traffic();
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
    this.#state = { name: "waiting", writes: new WaitingWrites(limits.maxQueuedBytes) };
  }

  /** Frees what brings connections: a listener, a dial under way. Called once; must not fail. */
  protected abstract release(): Promise<void>;

  /** Whether what brings connections keeps the process alive. */
  protected abstract setReferenced(referenced: boolean): void;

  /** A connection ended without being asked to: says what follows. */
  protected abstract connectionEnded(error: IpcError, orderly: boolean): void;

  /** A connection stands, and nobody has been told yet. */
  protected connectionMade(): void {}

  /** This side has ended the connection. */
  protected connectionLeft(): void {}

  get security(): ConnectionSecurity {
    return this.#security;
  }

  get remote(): string {
    return this.#remote;
  }

  get stats(): PeerStats {
    const state = this.#state;
    const connection = state.name === "connected" || state.name === "closing" ? state.connection : undefined;
    return this.#traffic.stats(connection?.outbox, this.unreadBytes);
  }

  write(type: number, data: string | Uint8Array, options?: Wait): Promise<void> {
    const state = this.#state;
    const maxSize = state.name === "connected" ? state.connection.maxSendSize : this.#limits.maxMessageSize;
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const fault = findWriteFault(type, bytes, maxSize) ?? findWaitFault("write", options);
    if (fault !== undefined) return rejected(fault);
    switch (state.name) {
      case "connected":
        return state.connection.outbox.write(type, bytes, options?.signal);
      case "waiting":
        return state.writes.write(type, bytes, options?.signal);
      case "apart":
      case "closing":
      case "ended":
        return rejected(this.#unreachable("write"));
    }
  }

  writeMessage(message: { readonly type: number; readonly data: string | Uint8Array }, options?: Wait): Promise<void> {
    if (typeof message !== "object" || message === null) {
      return rejected(
        new TypeError(`writeMessage: \`message\` takes an object with type and data, got ${show(message)}`),
      );
    }
    return this.write(message.type, message.data, options);
  }

  flush(options?: Wait): Promise<void> {
    const fault = findWaitFault("flush", options);
    if (fault !== undefined) return rejected(fault);
    const state = this.#state;
    switch (state.name) {
      case "connected":
        return state.connection.outbox.flush(options?.signal);
      case "waiting":
        return state.writes.size === 0 ? DONE : state.writes.flush(options?.signal);
      case "apart":
      case "closing":
      case "ended":
        return rejected(this.#unreachable("flush"));
    }
  }

  close(options: CloseOptions = {}): Promise<void> {
    const fault = findCloseFault(options);
    if (fault !== undefined) return rejected(fault);
    const state = this.#state;
    if (state.name === "closing" || state.name === "ended") return state.done;
    const done = new Waiter<void>({ what: "close", leave: () => {} });
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
    return this.#refer(true);
  }

  unref(): this {
    return this.#refer(false);
  }

  /** False once nothing more is wanted: closing, closed or failed. */
  protected get isOpen(): boolean {
    return this.#state.name !== "closing" && this.#state.name !== "ended";
  }

  protected get isConnected(): boolean {
    return this.#state.name === "connected";
  }

  /** Whether a write would be accepted without waiting. */
  protected get hasRoom(): boolean {
    return this.#connection?.outbox.isFree ?? false;
  }

  /** Takes over a new connection. False when none is wanted; its stream is then dropped. */
  protected connect({ stream, negotiated, rest, remote }: Established): boolean {
    const state = this.#state;
    if (state.name !== "waiting" && state.name !== "apart") {
      dropStream(stream);
      return false;
    }
    const { maxMessageSize: maxReceiveSize, maxQueuedBytes, busyPollUs } = this.#limits;
    const waiting = state.name === "waiting" ? state.writes : new WaitingWrites(maxQueuedBytes);
    const budget = this.#queuedBudget;
    const limits = { maxReceiveSize, maxQueuedBytes, busyPollUs };
    const connection = new Connection({ stream, negotiated, rest, ...limits, budget, waiting });
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
      takesRest: () => this.takesRest,
      end: (error, orderly) => {
        this.#traffic.disconnected(connection.outbox);
        this.#state = { name: "apart" };
        this.connectionEnded(error, orderly);
      },
    });
    this.connectionMade();
    this.setStatus("Connected");
    // In the loop's next turn, so that listeners added as soon as it is known miss nothing.
    setImmediate(() => connection.begin());
    return this.isOpen;
  }

  /** Ends for good. With an error every wait rejects with it, and listeners are told. */
  protected finish(status: Status, error?: IpcError): void {
    if (!this.isOpen) return;
    if (error === undefined) this.#end(status, "done", () => this.#unreachable("read"));
    else this.#end(status, "failed", () => error);
  }

  protected override holdBack(): void {
    this.#connection?.pause();
  }

  protected override letThrough(): void {
    this.#connection?.resume();
  }

  get #connection(): Connection | undefined {
    return this.#state.name === "connected" ? this.#state.connection : undefined;
  }

  #refer(referenced: boolean): this {
    this.#referenced = referenced;
    this.#connection?.setReferenced(referenced);
    this.setReferenced(referenced);
    return this;
  }

  /** What it does before it first waits is done before `close` returns: nothing is delivered from then on. */
  async #drain(state: State, timeoutMs: number): Promise<void> {
    if (state.name === "waiting") state.writes.rejectAll(this.#unreachable("write"));
    const released = within(timeoutMs, this.release());
    try {
      if (state.name === "connected") await state.connection.close(timeoutMs);
    } finally {
      await released;
      this.#state = { name: "ended", done: DONE };
      this.setStatus("Closed");
      if (state.name === "connected") this.#left(state.connection);
      this.endReading("done", () => this.#unreachable("read"));
    }
  }

  #left(connection: Connection): void {
    this.#traffic.disconnected(connection.outbox);
    this.connectionLeft();
  }

  #end(status: Status, kind: EndKind, error: () => IpcError): void {
    const state = this.#state;
    this.#state = { name: "ended", done: this.release() };
    if (state.name === "waiting") state.writes.rejectAll(error());
    if (state.name === "connected") state.connection.destroy(error());
    if (this.status !== status) this.setStatus(status);
    if (state.name === "connected") this.#left(state.connection);
    this.endReading(kind, error);
  }

  #unreachable(what: string): SessionError {
    return this.#state.name === "apart"
      ? new SessionError(
          "IPC_NOT_CONNECTED",
          `${what}: there is no connection now (status: ${this.status}); wait for the status Connected`,
        )
      : new SessionError("IPC_CLOSED", `${what}: this peer is closed (status: ${this.status}); start a new one`);
  }
}
