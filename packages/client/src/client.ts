import { clearInterval, setInterval } from "node:timers";
import { setTimeout as pause } from "node:timers/promises";
import { type IpcError, isIpcError, Session, SessionError } from "@ipc/session";
import {
  abortError,
  describeSecurity,
  diagnostics,
  type EstablishedConnection,
  PeerCore,
  PeerSession,
  reportSilence,
  type SilenceNews,
  SlipReporter,
} from "@ipc/session/internal";
import type { AbortOptions, Endpoint } from "@ipc/transport";
import { addAbortListener, removeAbortListener } from "@ipc/transport/internal";
import { askClientId } from "./client-id.js";
import {
  type ClientEvents,
  type ClientOptions,
  MANAGER,
  NAME,
  type ResolvedClientOptions,
  resolveClientOptions,
} from "./client-options.js";
import { ConnectionWaits } from "./connection-waits.js";
import { dialUntilConnected } from "./dial-loop.js";
import { EndpointDialer } from "./endpoint-dialer.js";

/** After a connection of at least this duration, in milliseconds, the back-off restarts. */
const STABLE_AFTER_MS = 10_000;

/** Interval of the timer that keeps the process alive, in milliseconds; it does nothing else, so any long time will do. */
const KEEP_ALIVE_MS = 86_400_000;

/** golang-ipc sends an id before it listens on the id's slot: how long and how often to dial it again, in milliseconds. */
const SLOT_TIMEOUT_MS = 1_000;
const SLOT_RETRY_MS = 10;

/**
 * Connects to a server, retrying until one listens, and resolves when messages can be written.
 *
 * Rejects with TypeError (a wrong name: IPC_NAME_INVALID), RangeError, IPC_TIMED_OUT after `timeoutMs`, IPC_ABORTED, and
 * without further retries with IPC_ENCRYPTION_REFUSED, IPC_SECURITY_REFUSED, IPC_AUTHENTICATION_FAILED three times in a row,
 * IPC_VERSION_MISMATCH, IPC_UNTRUSTED_SOCKET, IPC_KEY_FILE_UNTRUSTED, IPC_PERMISSION_DENIED, IPC_PATH_TOO_LONG. With
 * `retry: false` the first failure is final, such as IPC_NO_SERVER, IPC_SERVER_BUSY, IPC_HANDSHAKE_FAILED,
 * IPC_HANDSHAKE_TIMEOUT.
 * @see golang-ipc client.go, `StartClient`
 */
export async function startClient(options: ClientOptions): Promise<Client> {
  return Client.start(resolveClientOptions(options));
}

/** The client side of a connection to a server. It reconnects automatically when the connection is lost. */
export class Client extends PeerSession<ClientEvents> {
  readonly #core: PeerCore<ClientEvents>;
  readonly #options: ResolvedClientOptions;
  readonly #address: string;
  /** Aborted when this client needs no more connections. */
  readonly #life = new AbortController();
  readonly #onAbort: () => void;
  /**
   * Keeps the process alive from the start of the first dial, or of a redial, to the connection: the pauses, sockets, handshakes
   * and sessions with a manager in between are unreferenced.
   */
  #keepAlive: NodeJS.Timeout | undefined;
  #connectedAt = 0;
  #clientId: number | undefined;
  readonly #dialer: EndpointDialer;
  readonly #waits = new ConnectionWaits();
  /** Closing sessions with the manager; each takes 250 ms with a golang-ipc manager, because it never ends its side. */
  readonly #closingSessions = new Set<Session>();

  private constructor(options: ResolvedClientOptions, address: string) {
    const { limits, security, signal, logger, name, resume } = options;
    const slips = new SlipReporter(logger, `client ${name}`);
    const core = new PeerCore<ClientEvents>(
      {
        name,
        limits,
        slips,
        ownEvents: ["waiting"],
        security,
        status: "Not Connected",
        remote: address,
        resume: resume && { limits: resume },
      },
      {
        queueWhileDisconnected: options.writeWhileReconnecting === "wait",
        onConnected: () => this.#onConnected(),
        onDisconnected: (error) => this.#onEnd(error, true),
        onDetached: (error) => this.#onEnd(error, false),
        onExpired: (error) => this.#onExpired(error),
        onClosed: (_connection, isCut) => this.#onClosed(isCut),
        onSilence: (news) => this.#onSilence(news),
        stopAccepting: () => this.#life.abort(),
        onDestroy: (reason) => this.#destroyClosingSessions(reason),
        setReferenced: (referenced) => {
          if (referenced) this.#keepAlive?.ref();
          else this.#keepAlive?.unref();
        },
        release: () => this.#release(),
      },
    );
    super(core);
    this.#core = core;
    this.#dialer = new EndpointDialer(options);
    this.#options = options;
    this.#address = address;
    this.#onAbort = () => this.destroy(signal?.reason);
    addAbortListener(signal, this.#onAbort);
  }

  /** Does the work of `startClient` with resolved options. */
  static async start(options: ResolvedClientOptions): Promise<Client> {
    const endpoint = options.multiClient ? MANAGER : NAME;
    const client = new Client(options, options.transport.address(options.name, endpoint));
    if (options.signal?.aborted === true) client.destroy(options.signal.reason);
    else client.#core.setStatus("Connecting");
    try {
      await client.#establish("connect");
      return client;
    } catch (error) {
      client.destroy(error);
      // The signal may fire just as the connection is established, and then the client is closed already.
      if (options.signal?.aborted === true) throw abortError("connect", options.signal);
      throw error;
    }
  }

  /** With `multiClient`, the id that the server assigned for this connection or the last one, 1 … 2^32-1. */
  get clientId(): number | undefined {
    return this.#clientId;
  }

  /**
   * Resolves when messages can be written: at once while the client is connected, or with the next connection.
   *
   * Rejects with TypeError, IPC_ABORTED, IPC_CLOSED, and with the error that ends redialling, such as IPC_TIMED_OUT.
   */
  connected(options?: AbortOptions): Promise<void> {
    return this.#waits.wait(this.#core, options);
  }

  async #release(): Promise<void> {
    this.#waits.reject();
    this.#life.abort(this.#options.signal?.reason);
    removeAbortListener(this.#options.signal, this.#onAbort);
    await Promise.allSettled([...this.#closingSessions].map((session) => session.close()));
  }

  #onConnected(): void {
    const { name, logger } = this.#options;
    const { remote, security } = this;
    logger.info(`client ${name}: connected to ${remote} (${describeSecurity(security)})`);
    diagnostics.connect({ role: "client", name, remote, security });
    this.#waits.resolve();
  }

  #onClosed(isCut: boolean): void {
    const { remote } = this;
    if (!isCut) diagnostics.disconnect({ role: "client", name: this.#options.name, remote, error: undefined });
  }

  #onSilence(news: SilenceNews): void {
    reportSilence(this.#options.logger, { role: "client", name: this.name, remote: this.remote }, news);
  }

  /** @param isOver whether the session has ended too: the next connection does not continue it */
  #onEnd(error: IpcError, isOver: boolean): void {
    const { name, schedule, logger } = this.#options;
    logger.warn(`client ${name}: ${error.message}`);
    diagnostics.disconnect({ role: "client", name, remote: this.remote, error });
    if (performance.now() - this.#connectedAt >= STABLE_AFTER_MS) schedule.reset();
    this.#core.setStatus(this.#isRedialling ? "Reconnecting" : "Disconnected");
    if (isOver) this.#core.reader.emit("lost", error);
    // A listener may have closed this client.
    if (this.#isRedialling) void this.#redial();
  }

  /** Nothing continues the session: this client dials on, or has the first connection of a new session by now. */
  #onExpired(error: IpcError): void {
    const { name, logger } = this.#options;
    logger.warn(`client ${name}: ${error.message}`);
    this.#core.reader.emit("lost", error);
  }

  /** Whether this client needs another connection when it has none. */
  get #isRedialling(): boolean {
    return this.#core.isOpen && !this.#core.isDraining;
  }

  async #redial(): Promise<void> {
    try {
      await this.#establish("re-connect");
    } catch (error) {
      if (!this.#isRedialling) return;
      if (!isIpcError(error)) throw error;
      this.#options.logger.error(`client ${this.#options.name}: ${error.message}`);
      this.#destroyClosingSessions(error);
      this.#waits.reject(error);
      this.#core.finish(error.code === "IPC_TIMED_OUT" ? "Timeout" : "Error", error);
    }
  }

  async #establish(what: "connect" | "re-connect"): Promise<void> {
    const { schedule, retry, timeoutMs } = this.#options;
    const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
    if (!this.#core.isReferenced) keepAlive.unref();
    this.#keepAlive = keepAlive;
    try {
      // Again if the session that it continues was ended meanwhile, because a listener failed.
      for (;;) {
        const established = await dialUntilConnected({
          what,
          address: this.#address,
          history: what === "connect" ? "no connection" : this.#dialer.wasSecure ? "a secure session" : "a connection",
          attempt: (signal) => this.#dial(signal),
          schedule,
          waitFirst: what === "re-connect",
          retry,
          timeoutMs,
          signal: this.#life.signal,
          onFailed: (error, again) => this.#onWaiting(error, again),
        });
        this.#connectedAt = performance.now();
        if (this.#core.connect(established)) return;
        if (!this.#isRedialling)
          throw new SessionError("IPC_CLOSED", `${what}: the client was closed while it connected`);
      }
    } finally {
      clearInterval(keepAlive);
    }
  }

  /** Logs the first failure of a kind as a warning and repeats at debug level, so that a long outage does not fill the log. */
  #onWaiting(error: IpcError, again: boolean): void {
    const { name, logger } = this.#options;
    const address = this.#address;
    logger[again ? "debug" : "warn"](`client ${name}: waiting for a server at ${address}: ${error.message}`);
    diagnostics.waiting({ role: "client", name, address, error });
    this.#core.reader.emit("waiting", error, address);
  }

  async #dial(signal: AbortSignal): Promise<EstablishedConnection> {
    if (!this.#options.multiClient) return this.#dialServer(NAME, signal);
    const id = await this.#askClientId(signal);
    const established = await this.#dialSlot(id, signal);
    // A session that goes on keeps its id.
    if (established.outcome.resume?.answer?.how !== "resumed") this.#clientId = id;
    return established;
  }

  /** Dials an endpoint for clients, where a session can be continued. */
  async #dialServer(endpoint: Endpoint, signal: AbortSignal): Promise<EstablishedConnection> {
    const { resume } = this.#options;
    if (resume === undefined) return this.#dialer.dial(endpoint, signal);
    try {
      return await this.#dialer.dial(endpoint, signal, { require: resume.require, claim: this.#core.claim() });
    } catch (error) {
      this.#core.unclaim();
      throw error;
    }
  }

  async #askClientId(signal: AbortSignal): Promise<number> {
    const { name, handshakeTimeoutMs: timeoutMs, logger } = this.#options;
    const session = new Session({ ...this.#options, signal }, await this.#dialer.dial(MANAGER, signal)).unref();
    try {
      const id = await askClientId(session, { name, timeoutMs });
      logger.debug(`client ${name}: received id ${id}`);
      return id;
    } finally {
      // Close the session at once, because a golang-ipc manager serves the next client only after that.
      void this.#closeSession(session);
    }
  }

  async #closeSession(session: Session): Promise<void> {
    this.#closingSessions.add(session);
    // Ignore a failure of the close: the caller of `#askClientId` receives any error of the session.
    await session.close().catch(() => {});
    this.#closingSessions.delete(session);
  }

  #destroyClosingSessions(reason: unknown): void {
    for (const session of this.#closingSessions) session.destroy(reason);
  }

  async #dialSlot(id: number, signal: AbortSignal): Promise<EstablishedConnection> {
    for (let waitedMs = 0; ; waitedMs += SLOT_RETRY_MS) {
      try {
        return await this.#dialServer({ kind: "slot", id }, signal);
      } catch (error) {
        if (!isIpcError(error) || error.code !== "IPC_NO_SERVER" || waitedMs >= SLOT_TIMEOUT_MS) throw error;
      }
      await pause(SLOT_RETRY_MS, undefined, { signal, ref: false });
    }
  }
}
