import { KeyRing } from "@ipc/server/internal";
import { type CloseOptions, type DrainOptions, type SecurityOptions, type Status, statusCode } from "@ipc/session";
import {
  abortError,
  CLOSE_TIMEOUT_MS,
  diagnostics,
  handledRejection,
  ResumeRegistry,
  SlipReporter,
  validateCloseOptions,
  validateWrite,
} from "@ipc/session/internal";
import { type BroadcastOptions, type BroadcastResult, broadcast, resolveBroadcastOptions } from "./broadcast.js";
import { ConnectionRegistry, type ManagerStats } from "./connection-registry.js";
import { Endpoints } from "./endpoints.js";
import { ManagerLifecycle } from "./manager-lifecycle.js";
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

/** A server of many clients. Each client has its own connection, queue and limits. */
export class ServerManager extends ManagerReader implements AsyncDisposable {
  readonly #options: ResolvedManagerOptions;
  readonly #endpoints: Endpoints;
  readonly #registry: ConnectionRegistry;
  readonly #keys: KeyRing;
  readonly #lifecycle: ManagerLifecycle;

  private constructor(options: ResolvedManagerOptions, keys: KeyRing) {
    const slips = new SlipReporter(options.logger, `server ${options.name}`);
    const sessions = new ResumeRegistry({ busy: () => this.#registry.busy() });
    const input = new ManagerInput({
      slips,
      name: options.name,
      logger: options.logger,
      maxDisconnected: options.maxConnections,
      maxDisconnectedBytes: options.maxTotalUnreadBytes / DISCONNECTED_SHARE,
    });
    super(input);
    this.#options = options;
    this.#keys = keys;
    this.#endpoints = new Endpoints(options, keys, {
      busy: () => this.#registry.busy(),
      resume: options.resume && { require: options.resume.require, decide: sessions.decide },
      onEstablished: (established, by, id) => this.#registry.onEstablished(established, by, id),
      refused: (error) => {
        input.emit("refused", error);
        this.#lifecycle.closeAfterLast();
      },
      lost: (error) => this.#lifecycle.fail(error),
      ended: () => {
        this.#registry.noteLast();
        this.#lifecycle.noteLast();
      },
      relisted: (address) => {
        options.logger.warn(`server ${options.name}: ${address} had vanished; the manager listens there again`);
        diagnostics.relisted({ role: "server", name: options.name, address });
        input.emit("relisted", address);
      },
    });
    this.#registry = new ConnectionRegistry({
      options,
      keys,
      slots: this.#endpoints.slots,
      sessions,
      stream: input.stream,
      slips,
      connected: (connection) => input.emit("connection", connection),
      disconnected: (connection, error) => {
        input.emit("disconnection", connection, error);
        this.#lifecycle.closeAfterLast();
      },
      refused: (error) => input.emit("refused", error),
    });
    this.#lifecycle = new ManagerLifecycle({ options, endpoints: this.#endpoints, registry: this.#registry, input });
  }

  /** Does the work of `startServerManager`, with resolved options. */
  static async start(options: ResolvedManagerOptions): Promise<ServerManager> {
    if (options.signal?.aborted === true) throw abortError("startServerManager", options.signal);
    const manager = new ServerManager(options, new KeyRing(options));
    await manager.#lifecycle.start();
    return manager;
  }

  get name(): string {
    return this.#options.name;
  }

  /** The address for clients: a path, a pipe name or `host:port` with the real port. */
  get address(): string {
    return this.#endpoints.address;
  }

  /** Listening, Closing, Closed or Error; each connection has its own status. */
  get status(): Status {
    return this.#lifecycle.status;
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
    if (!this.#lifecycle.isOpen) throw this.#lifecycle.closedError("broadcast");
    if (plan.signal?.aborted === true) throw abortError("broadcast", plan.signal);
    return broadcast([...this.#registry.clients.values()], type, bytes, plan);
  }

  /**
   * Replaces the keys: takes all that the option `security` takes, and what it leaves out is withdrawn; `{}` accepts every peer. Reads
   * the key file again. Changes nothing if it throws.
   *
   * Every handshake that completes from now on satisfies the new keys, at every endpoint. The connection of each client that has proved
   * a key which was withdrawn ends with IPC_SECURITY_REFUSED on both sides, and nothing that arrives later is delivered; one that is
   * closing has 250 ms left. Clients that have proved nothing stay.
   * @throws TypeError, RangeError; SessionError IPC_CLOSED; TransportError IPC_KEY_FILE_UNTRUSTED, IPC_PERMISSION_DENIED,
   * IPC_TRANSPORT_FAILED, of the key file
   */
  updateSecurity(security: SecurityOptions): void {
    if (!this.#lifecycle.isOpen) throw this.#lifecycle.closedError("updateSecurity");
    this.#keys.replace(security);
    this.#options.logger.info(`server ${this.#options.name}: keys replaced`);
    this.#registry.refuseWithdrawn();
  }

  /**
   * Stops listening, removes the socket files, and ends the handshakes in progress; connected clients stay. Resolves when another
   * server can have the name. Idempotent; never rejects.
   */
  stopAccepting(): Promise<void> {
    return this.#lifecycle.stopAccepting();
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
    return this.#lifecycle.drain(options.timeoutMs ?? CLOSE_TIMEOUT_MS);
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
    return this.#lifecycle.close(options.timeoutMs ?? CLOSE_TIMEOUT_MS);
  }

  /** Ends everything at once and drops queued data. Pending waits reject with IPC_CLOSED, with `reason` as the cause. */
  destroy(reason?: unknown): void {
    this.#lifecycle.destroy(reason);
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
}
