import type { Duplex } from "node:stream";
import { type IpcError, type PeerEvents, type SecurityOptions, SessionError } from "@ipc/session";
import {
  abortError,
  describeSecurity,
  diagnostics,
  type EstablishedConnection,
  type MessageOrigin,
  PeerCore,
  PeerSession,
  type ProvedKeys,
  ResumeRegistry,
  reportSilence,
  type SilenceNews,
  SlipReporter,
} from "@ipc/session/internal";
import type { Endpoint, Listener, TransportError } from "@ipc/transport";
import { addAbortListener, removeAbortListener } from "@ipc/transport/internal";
import { type AcceptHandler, HandshakeAcceptor } from "./handshake-acceptor.js";
import { KeyRing } from "./key-ring.js";
import { type ResolvedServerOptions, resolveServerOptions, type ServerOptions } from "./server-options.js";

/** The events that other peers do not have. */
const OWN_EVENTS = { refused: true, relisted: true } satisfies Record<
  Exclude<keyof ServerEvents, keyof PeerEvents>,
  true
>;

const NAME: Endpoint = { kind: "name" };

/** Concurrent handshakes; the first to complete becomes the connection. */
const MAX_HANDSHAKES = 128;

export interface ServerEvents extends PeerEvents {
  /** A client did not connect: its handshake failed, `authorize` rejected it, or the server was busy. */
  refused: [error: IpcError];
  /** The socket file at `address` had vanished, and the server listens there again. Clients stayed connected. */
  relisted: [address: string];
}

/**
 * Starts a server for one client at a time and resolves when it listens. After a client disconnects, another can connect.
 *
 * Rejects with TypeError (a wrong name: IPC_NAME_INVALID), RangeError, IPC_ADDRESS_IN_USE, IPC_PATH_TOO_LONG,
 * IPC_PERMISSION_DENIED, IPC_UNTRUSTED_SOCKET, IPC_KEY_FILE_UNTRUSTED, IPC_TRANSPORT_FAILED, IPC_ABORTED.
 * @see golang-ipc server.go, `StartServer`
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  return Server.start(resolveServerOptions(options));
}

/** The server side of a connection to one client at a time, one client after another. */
export class Server extends PeerSession<ServerEvents> {
  readonly #core: PeerCore<ServerEvents>;
  readonly #options: ResolvedServerOptions;
  readonly #acceptor: HandshakeAcceptor;
  readonly #acceptHandler: AcceptHandler;
  readonly #onAbort: () => void;
  readonly #keys: KeyRing;
  /** Those of the connected client, or of the last one. */
  #provedKeys: ProvedKeys | undefined;
  #listener: Listener | undefined;
  /** The end of listening, once it has begun. */
  #stopped: Promise<void> | undefined;
  /** Whether no further client can connect. */
  #isLast = false;

  private constructor(options: ResolvedServerOptions, keys: KeyRing, address: string) {
    const { limits, security, signal, logger, name, resume } = options;
    const registry = new ResumeRegistry();
    const slips = new SlipReporter(logger, `server ${name}`);
    const ownEvents = Object.keys(OWN_EVENTS);
    const core = new PeerCore<ServerEvents>(
      {
        name,
        limits,
        slips,
        ownEvents,
        security,
        status: "Listening",
        remote: address,
        changesPeer: true,
        resume: resume && { limits: resume, registry },
      },
      {
        onConnected: (connection, established) => this.#onConnected(connection, established),
        onDisconnected: (error, clean, connection) => this.#onDisconnected(error, clean, connection),
        onDetached: (error, connection) => this.#onDetached(error, connection),
        onExpired: (error) => this.#onExpired(error),
        onClosed: (connection, isCut) => this.#onClosed(connection, isCut),
        onSilence: (news, connection) => this.#onSilence(news, connection),
        stopAccepting: () => void this.stopAccepting(),
        setReferenced: (referenced) => {
          if (referenced) this.#listener?.ref();
          else this.#listener?.unref();
        },
        release: () => this.#release(),
      },
    );
    super(core);
    this.#core = core;
    this.#options = options;
    this.#keys = keys;
    this.#acceptor = new HandshakeAcceptor({
      ...options,
      keys,
      maxHandshakes: MAX_HANDSHAKES,
      refused: (error) => {
        core.reader.emit("refused", error);
        this.#closeAfterLast();
      },
    });
    const busy = (): SessionError =>
      new SessionError(
        "IPC_SERVER_BUSY",
        `server \`${options.name}\` is busy: it already serves a client; retry later, or use a manager`,
      );
    this.#acceptHandler = {
      address,
      busy: () => (core.isOpen && !core.isConnected && registry.returningSessions === 0 ? undefined : busy()),
      authorize: options.authorize,
      resume: resume && { require: resume.require, decide: registry.decide },
      onEstablished: (established) => {
        core.connect(established);
        this.#refuseWithdrawn();
        if (core.isConnected) this.#acceptor.abortAll(busy());
      },
    };
    this.#onAbort = () => this.destroy(signal?.reason);
  }

  /** Does the work of `startServer` with resolved options. */
  static async start(options: ResolvedServerOptions): Promise<Server> {
    const { name, transport, signal, logger } = options;
    const address = transport.address(name, NAME);
    if (signal?.aborted === true) throw abortError("startServer", signal);
    const server = new Server(options, new KeyRing(options), address);
    server.#listener = await transport.listen(name, NAME, (stream) => server.#receive(stream), {
      ...(signal && { signal }),
      instance: server.#acceptor.instance,
      onLost: (error) => server.#listenerLost(error),
      onRelisted: () => server.#listenerRelisted(),
      onEnded: () => {
        server.#isLast = true;
        server.#closeAfterLast();
      },
    });
    // The signal may fire after the transport stopped listening to it.
    if (options.signal?.aborted === true) {
      server.destroy(options.signal.reason);
      throw abortError("startServer", options.signal);
    }
    addAbortListener(signal, server.#onAbort);
    logger.info(`server ${name}: listening at ${server.address}`);
    return server;
  }

  /** The listening address: a path, a pipe name or `host:port` with the real port. */
  get address(): string {
    return this.#listener?.address ?? this.remote;
  }

  /**
   * Stops listening, removes the socket file, and ends the handshakes in progress; the connected client stays. Resolves when another
   * server can have the name. Idempotent; never rejects.
   */
  stopAccepting(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /**
   * Replaces the keys: takes all that the option `security` takes, and what it leaves out is withdrawn; `{}` accepts every peer. Reads
   * the key file again. Changes nothing if it throws.
   *
   * Every handshake that completes from now on satisfies the new keys. If the connected client has proved a key which was withdrawn, its
   * connection ends with IPC_SECURITY_REFUSED on both sides, and nothing that arrives later is delivered. A client that has proved nothing
   * stays.
   * @throws TypeError, RangeError; SessionError IPC_CLOSED; TransportError IPC_KEY_FILE_UNTRUSTED, IPC_PERMISSION_DENIED,
   * IPC_TRANSPORT_FAILED, of the key file
   */
  updateSecurity(security: SecurityOptions): void {
    if (!this.#core.isOpen) {
      throw new SessionError(
        "IPC_CLOSED",
        `updateSecurity: this server is closed (status: ${this.status}); start a new one`,
      );
    }
    this.#keys.replace(security);
    this.#options.logger.info(`server ${this.#options.name}: keys replaced`);
    this.#refuseWithdrawn();
  }

  #refuseWithdrawn(): void {
    const error = this.#keys.withdrawal(this.#provedKeys);
    if (error !== undefined) this.#core.refuse(error);
  }

  async #release(): Promise<void> {
    removeAbortListener(this.#options.signal, this.#onAbort);
    await this.stopAccepting();
  }

  async #stop(): Promise<void> {
    this.#acceptor.close();
    try {
      await this.#listener?.close();
    } catch (error) {
      this.#options.logger.error(`server ${this.#options.name}: closing ${this.address} failed: ${String(error)}`);
    }
  }

  #onConnected({ remote, security }: MessageOrigin, { outcome }: EstablishedConnection): void {
    const { name, logger } = this.#options;
    this.#provedKeys = outcome.provedKeys;
    logger.info(`server ${name}: ${remote} connected (${describeSecurity(security)})`);
    diagnostics.connect({ role: "server", name, remote, security });
  }

  #onClosed({ remote }: MessageOrigin, isCut: boolean): void {
    if (isCut) return;
    const { name } = this.#options;
    diagnostics.disconnect({ role: "server", name, remote, error: undefined });
  }

  #onSilence(news: SilenceNews, { remote }: MessageOrigin): void {
    const { name, logger } = this.#options;
    reportSilence(logger, { role: "server", name, remote }, news);
  }

  #onDisconnected(error: IpcError, clean: boolean, { remote }: MessageOrigin): void {
    const { name, logger } = this.#options;
    diagnostics.disconnect({ role: "server", name, remote, error });
    if (clean) logger.info(`server ${name}: ${remote} disconnected`);
    else logger.warn(`server ${name}: ${remote}: ${error.message}`);
    this.#core.setStatus("Disconnected");
    if (!clean) this.#core.reader.emit("lost", error);
    this.#closeAfterLast();
  }

  /** The connection was cut; the client may continue its session over another one. */
  #onDetached(error: IpcError, { remote }: MessageOrigin): void {
    const { name, logger } = this.#options;
    diagnostics.disconnect({ role: "server", name, remote, error });
    logger.warn(`server ${name}: ${remote}: ${error.message}`);
    this.#core.setStatus("Reconnecting");
    if (this.#isLast) this.#core.evict("the transport of the server has no further connection");
  }

  #onExpired(error: IpcError): void {
    const { name, logger } = this.#options;
    logger.warn(`server ${name}: ${error.message}`);
    this.#core.setStatus("Disconnected");
    this.#core.reader.emit("lost", error);
    this.#closeAfterLast();
  }

  /**
   * Closes the server when its transport has no further connection. A stream that has closed may have left input, which completes
   * the handshake, or messages that are still being decoded.
   */
  #closeAfterLast(): void {
    if (!this.#isLast || this.#core.isConnected || this.#acceptor.isActive || !this.#core.isOpen) return;
    this.#options.logger.info(`server ${this.#options.name}: closed, because its only connection has ended`);
    this.#core.finish("Closed");
  }

  #receive(stream: Duplex): void {
    this.#acceptor.receive(stream, this.#acceptHandler);
  }

  #listenerRelisted(): void {
    const { name, logger } = this.#options;
    const { address } = this;
    logger.warn(`server ${name}: ${address} had vanished; the server listens there again`);
    diagnostics.relisted({ role: "server", name, address });
    this.#core.reader.emit("relisted", address);
  }

  #listenerLost(error: TransportError): void {
    this.#options.logger.error(`server ${this.#options.name}: ${error.message}`);
    this.#core.finish("Error", error);
  }
}
