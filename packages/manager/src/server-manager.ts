import { setImmediate } from "node:timers";
import {
  type CloseOptions,
  type DrainOptions,
  type IpcError,
  SessionError,
  type Status,
  statusCode,
} from "@ipc/session";
import {
  abortError,
  CLOSE_TIMEOUT_MS,
  Deferred,
  diagnostics,
  handledRejection,
  settleWithin,
  validateCloseOptions,
  validateWrite,
  withKeyFile,
} from "@ipc/session/internal";
import { ensureKeyFile } from "@ipc/transport/key-file";
import { type BroadcastOptions, type BroadcastResult, broadcast, resolveBroadcastOptions } from "./broadcast.js";
import { ConnectionRegistry, type ManagerStats } from "./connection-registry.js";
import { Endpoints } from "./endpoints.js";
import { type ManagerOptions, type ResolvedManagerOptions, resolveManagerOptions } from "./manager-options.js";
import { ManagerInput, ManagerReader } from "./manager-reader.js";
import type { ServerConnection } from "./server-connection.js";

/** Until the manager is first read, disconnected clients may hold `maxTotalUnreadBytes` divided by this number. */
const DISCONNECTED_SHARE = 4;

/**
 * Starts a server of many clients and resolves when it listens: at `<name>` for any number of clients, and at `<name>_manager`
 * for clients that request an id (golang-ipc's with `MultiClient`, @ipc clients with `multiClient`). A transport that has one
 * address for both, such as TCP, has the name only.
 *
 * Rejects with TypeError (a wrong name: IPC_NAME_INVALID), RangeError, IPC_ADDRESS_IN_USE, IPC_PATH_TOO_LONG,
 * IPC_PERMISSION_DENIED, IPC_UNTRUSTED_SOCKET, IPC_KEY_FILE_UNTRUSTED, IPC_TRANSPORT_FAILED, IPC_LISTENER_LOST, IPC_ABORTED.
 * @see golang-ipc pool.go, `StartServerPool`
 */
export async function startServerManager(options: ManagerOptions): Promise<ServerManager> {
  return ServerManager.start(resolveManagerOptions(options));
}

type State =
  | { readonly status: "Listening" }
  /** `done`: the close that is in progress, or the end of what was released. */
  | { readonly status: "Closing" | "Closed" | "Error"; readonly done: Promise<void> };

/** A server of many clients. Each client has its own connection, queue and limits. */
export class ServerManager extends ManagerReader implements AsyncDisposable {
  readonly #options: ResolvedManagerOptions;
  readonly #endpoints: Endpoints;
  readonly #registry: ConnectionRegistry;
  readonly #onAbort: () => void;
  readonly #input: ManagerInput;
  #state: State = { status: "Listening" };
  /** The end of listening, once it has begun. */
  #stopped: Promise<void> | undefined;
  #drained: Promise<void> | undefined;

  private constructor(options: ResolvedManagerOptions) {
    const input = new ManagerInput({
      name: options.name,
      logger: options.logger,
      maxDisconnected: options.maxConnections,
      maxDisconnectedBytes: options.maxTotalUnreadBytes / DISCONNECTED_SHARE,
    });
    super(input);
    this.#input = input;
    this.#options = options;
    this.#endpoints = new Endpoints(options, {
      busy: () => this.#registry.busy(),
      onEstablished: (established, by, id) => this.#registry.onEstablished(established, by, id),
      refused: (error) => input.emit("refused", error),
      lost: (error) => this.#fail(error),
      relisted: (address) => this.#relisted(address),
    });
    this.#registry = new ConnectionRegistry({
      options,
      slots: this.#endpoints.slots,
      stream: input.stream,
      connected: (connection) => input.emit("connection", connection),
      disconnected: (connection, error) => input.emit("disconnection", connection, error),
      refused: (error) => input.emit("refused", error),
    });
    this.#onAbort = () => this.destroy(options.signal?.reason);
  }

  /** Does the work of `startServerManager`, with resolved options. */
  static async start(options: ResolvedManagerOptions): Promise<ServerManager> {
    const { name, signal, logger } = options;
    if (signal?.aborted === true) throw abortError("startServerManager", signal);
    const manager = new ServerManager({
      ...options,
      credentials: withKeyFile(options.credentials, options.keyFilePlace, ensureKeyFile),
    });
    try {
      await manager.#endpoints.open();
      // A listener may have been lost meanwhile, or the signal aborted after the transport last checked it.
      if (manager.#input.stream.end !== undefined) throw manager.#input.stream.end.error();
      if (options.signal?.aborted === true) throw abortError("startServerManager", options.signal);
    } catch (error) {
      // A client may have connected at the first endpoint while the last one was being opened.
      manager.destroy(error);
      await manager.#release();
      throw error;
    }
    signal?.addEventListener("abort", manager.#onAbort, { once: true });
    logger.info(`server ${name}: listening at ${manager.address}`);
    // In the next turn of the event loop, so that listeners added right after the start miss no client.
    setImmediate(() => manager.#registry.open());
    return manager;
  }

  /** The address for clients: a path, a pipe name or `host:port` with the real port. */
  get address(): string {
    return this.#endpoints.address;
  }

  /** Listening, Closing, Closed or Error; each connection has its own status. */
  get status(): Status {
    return this.#state.status;
  }

  /** golang-ipc's number for `status`. */
  get statusCode(): number {
    return statusCode(this.status);
  }

  /** The connected and closing clients, by id, oldest first. The map changes as clients connect and disconnect. */
  get connections(): ReadonlyMap<number, ServerConnection> {
    return this.#registry.connections;
  }

  get stats(): ManagerStats {
    return this.#registry.stats;
  }

  /**
   * Writes a message to every current connection. A slow connection does not delay the others; `slow` decides what happens to
   * it, and the result reports it. `data` may be reused once the promise has resolved.
   *
   * Rejects with TypeError, RangeError, IPC_MESSAGE_TOO_LARGE, IPC_CLOSED, and with IPC_ABORTED if the signal was aborted
   * before. The failure of a client does not reject it.
   * @param type 1 … 2^32-1; 0 is reserved
   */
  broadcast(type: number, data: string | Uint8Array, options: BroadcastOptions = {}): Promise<BroadcastResult> {
    const result = this.#broadcast(type, data, options);
    // Like an unawaited `write`, an unawaited broadcast after the end must not end the process.
    result.catch(() => {});
    return result;
  }

  async #broadcast(type: number, data: string | Uint8Array, options: BroadcastOptions): Promise<BroadcastResult> {
    const plan = resolveBroadcastOptions(options);
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const fault = validateWrite(type, bytes, this.#options.limits.maxMessageSize);
    if (fault !== undefined) throw fault;
    if (!this.#isOpen) throw this.#closedError("broadcast");
    if (plan.signal?.aborted === true) throw abortError("broadcast", plan.signal);
    return broadcast([...this.#registry.clients.values()], type, bytes, plan);
  }

  /**
   * Stops listening, removes the socket files, and ends the handshakes in progress; connected clients stay. Resolves when another
   * server can have the name. Idempotent; never rejects.
   */
  stopAccepting(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /**
   * Stops accepting clients, drains every connection, and closes; see `Peer.drain`. Messages count while this manager or the
   * connection's own reader takes them. Idempotent: a second call returns the same promise.
   *
   * Rejects with TypeError, RangeError, and like `close` with IPC_CLOSE_INCOMPLETE.
   */
  drain(options: DrainOptions = {}): Promise<void> {
    const fault = validateCloseOptions(options, "drain");
    if (fault !== undefined) return handledRejection(fault);
    const { timeoutMs = CLOSE_TIMEOUT_MS } = options;
    this.#drained ??= this.#isOpen ? this.#drain(timeoutMs) : this.close();
    this.#drained.catch(() => {});
    return this.#drained;
  }

  /**
   * Stops accepting clients, sends accepted data to every client, then ends the connections and frees everything. Unread
   * messages can still be read. Idempotent.
   *
   * Rejects with TypeError, RangeError, and with IPC_CLOSE_INCOMPLETE when it takes longer than `timeoutMs` for any client;
   * everything is freed then too.
   */
  close(options: CloseOptions = {}): Promise<void> {
    const fault = validateCloseOptions(options);
    if (fault !== undefined) return handledRejection(fault);
    if (this.#state.status !== "Listening") return this.#state.done;
    const done = new Deferred<void>({ what: "close", onCancel: () => {} });
    this.#enter({ status: "Closing", done: done.promise });
    done.resolve(this.#close(options.timeoutMs ?? CLOSE_TIMEOUT_MS));
    return done.promise;
  }

  /** Ends everything at once and drops queued data. Pending waits reject with IPC_CLOSED, with `reason` as the cause. */
  destroy(reason?: unknown): void {
    const { status } = this.#state;
    if (status === "Closed" || status === "Error") return;
    if (status === "Listening") this.#enter({ status: "Closed", done: this.#release() });
    this.#registry.destroy(reason);
    // The close in progress does the rest.
    if (status === "Closing") return;
    this.#input.end({
      kind: "failed",
      error: () => new SessionError("IPC_CLOSED", "this manager was destroyed", { cause: reason }),
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Keeps the process alive while the manager listens (the default). A connection does only after a `ref()` of its own. */
  ref(): this {
    this.#endpoints.setReferenced(true);
    return this;
  }

  /** Lets the process end although the manager listens and clients are connected, unless a connection is referenced itself. */
  unref(): this {
    this.#endpoints.setReferenced(false);
    return this;
  }

  async #drain(timeoutMs: number): Promise<void> {
    void this.stopAccepting();
    try {
      await this.#registry.drain(timeoutMs);
    } finally {
      // For the clients that connected last.
      await this.close({ timeoutMs });
    }
  }

  async #close(timeoutMs: number): Promise<void> {
    const released = settleWithin(timeoutMs, this.#release());
    try {
      await this.#registry.close(timeoutMs);
    } finally {
      await released;
      this.#enter({ status: "Closed", done: Promise.resolve() });
      this.#input.end({ kind: "done", error: () => this.#closedError("read") });
    }
  }

  async #release(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    // An endpoint may have been opened since it began to stop.
    await Promise.all([this.#stopped, this.#stop()]);
  }

  async #stop(): Promise<void> {
    const { logger, name } = this.#options;
    this.#registry.stopAccepting();
    try {
      await this.#endpoints.close();
    } catch (error) {
      logger.error(`server ${name}: closing ${this.address} failed: ${String(error)}`);
    }
  }

  #relisted(address: string): void {
    const { name, logger } = this.#options;
    logger.warn(`server ${name}: ${address} had vanished; the manager listens there again`);
    diagnostics.relisted({ role: "server", name, address });
    this.#input.emit("relisted", address);
  }

  #fail(error: IpcError): void {
    if (!this.#isOpen) return;
    this.#options.logger.error(`server ${this.#options.name}: ${error.message}`);
    this.#enter({ status: "Error", done: this.#release() });
    this.#registry.fail(error);
    this.#input.end({ kind: "failed", error: () => error }, error);
  }

  get #isOpen(): boolean {
    return this.#state.status === "Listening";
  }

  /** The only place that changes the state; called before any listener is notified, so that its calls find the new state. */
  #enter(next: State): void {
    this.#state = next;
  }

  #closedError(what: string): SessionError {
    return new SessionError("IPC_CLOSED", `${what}: this manager is closed (status: ${this.status}); start a new one`);
  }
}
