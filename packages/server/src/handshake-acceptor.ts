import type { Duplex } from "node:stream";
import { type IpcError, isIpcError, type Logger, SessionError } from "@ipc/session";
import {
  BUSY_HELLO,
  createInstanceId,
  KeyPairPool,
  noteArrival,
  runHandshake,
  type ServerResume,
  serverHandshake,
} from "@ipc/session/handshake";
import {
  asIpcError,
  closeGracefully,
  destroyStream,
  diagnostics,
  type EstablishedConnection,
  type PeerLimits,
  rejectEstablished,
  setStreamReferenced,
} from "@ipc/session/internal";
import { remoteOf } from "@ipc/transport/internal";
import { FLOODED_LIMIT, HandshakeTable, type PendingHandshake } from "./handshake-table.js";
import type { KeyRing } from "./key-ring.js";
import type { Authorize } from "./server-options.js";

/** Streams in a handshake or being rejected allowed per handshake of `maxHandshakes`. */
const PENDING_PER_HANDSHAKE = 2;

/** Key pairs generated before a client connects. */
const KEY_PAIRS_AHEAD = 8;

/** How an endpoint handles the streams that it accepts. */
export interface AcceptHandler {
  /** The endpoint's address; used as the remote address of a stream that has none. */
  readonly address: string;
  /** Returns the reason if no client can be accepted now. */
  readonly busy: () => SessionError | undefined;
  /** Whether only clients that select golang-ipc's protocol are accepted. @default false */
  readonly golangIpcOnly?: boolean;
  /** Accepts or rejects a client before its handshake completes. */
  readonly authorize: Authorize;
  /** Whether and how sessions are resumed here. @default they are not */
  readonly resume?: ServerResume | undefined;
  /** Called when a handshake is complete; the callee then owns the stream. */
  readonly onEstablished: (established: EstablishedConnection) => void;
}

export interface HandshakeAcceptorOptions {
  readonly name: string;
  readonly encryption: boolean;
  readonly keys: Pick<KeyRing, "credentials">;
  readonly limits: PeerLimits;
  readonly handshakeTimeoutMs: number;
  readonly logger: Logger;
  /** Limit of concurrent handshakes; one more drops the one that has advanced least, or itself if all have sent their AUTH. */
  readonly maxHandshakes: number;
  readonly refused: (error: IpcError) => void;
  /** Chooses among handshakes that have advanced equally. @default Math.random */
  readonly random?: () => number;
}

/**
 * Runs the handshakes of accepted streams concurrently, each with a deadline, so that a silent or hostile client does not delay
 * other clients.
 */
export class HandshakeAcceptor {
  readonly #options: HandshakeAcceptorOptions;
  readonly #keyPairs: KeyPairPool;
  /** Announced to every client. */
  readonly #instance: Uint8Array = createInstanceId();
  readonly #handshakes: HandshakeTable;
  /**
   * Those that began while the server was full. A client that resumes replaces its own old connection, and all others are told; those
   * that wait for a place displace each other, and none that began before. However few handshakes the other table allows, these are not
   * fewer: a client has to get in while strangers dial.
   */
  readonly #busyHandshakes: HandshakeTable;
  /** Streams that are being closed after a rejection, oldest first. */
  readonly #rejected = new Set<Duplex>();

  constructor(options: HandshakeAcceptorOptions) {
    this.#options = options;
    this.#handshakes = new HandshakeTable(options);
    this.#busyHandshakes = new HandshakeTable({ ...options, maxHandshakes: FLOODED_LIMIT });
    this.#keyPairs = new KeyPairPool(options.encryption ? KEY_PAIRS_AHEAD : 0);
  }

  /** Identifies this server: what every @ipc client is told in the handshake, in hexadecimal digits. */
  get instance(): string {
    return Buffer.from(this.#instance).toString("hex");
  }

  /** Whether a handshake is in progress. */
  get isActive(): boolean {
    return this.#pending > 0;
  }

  get #pending(): number {
    return this.#handshakes.size + this.#busyHandshakes.size;
  }

  /** Takes over a newly accepted stream and runs its handshake, or rejects it if the server is busy. */
  receive(stream: Duplex, acceptHandler: AcceptHandler): void {
    noteArrival();
    this.#boundRejected();
    // The listener keeps the process alive, and an established connection does; a pending stream does not.
    setStreamReferenced(stream, false);
    // Between the handshake and `attach` the stream may have no other 'error' listener.
    stream.on("error", () => {});
    const remote = remoteOf(stream, acceptHandler.address);
    const busy = acceptHandler.busy();
    if (busy !== undefined && !mayResume(busy, acceptHandler)) {
      this.#rejectBusy(stream, remote, busy);
      return;
    }
    const handshake = (busy === undefined ? this.#handshakes : this.#busyHandshakes).admit(stream);
    if (!isIpcError(handshake)) {
      void this.#run(handshake, remote, acceptHandler);
    } else if (busy === undefined) {
      destroyStream(stream);
      this.#refuse(remote, handshake);
    } else {
      this.#rejectBusy(stream, remote, busy);
    }
  }

  /** Aborts every handshake in progress, because another client was accepted or the server is closing. */
  abortAll(reason: SessionError): void {
    for (const handshake of [...this.#handshakes, ...this.#busyHandshakes]) handshake.abort(reason);
  }

  /** Destroys every pending stream. */
  close(): void {
    this.abortAll(new SessionError("IPC_CLOSED", "handshake aborted: the server was closed"));
    for (const { stream } of [...this.#handshakes, ...this.#busyHandshakes]) destroyStream(stream);
    for (const stream of this.#rejected) destroyStream(stream);
  }

  async #run(handshake: PendingHandshake, remote: string, acceptHandler: AcceptHandler): Promise<void> {
    const { stream, signal, table } = handshake;
    let established: EstablishedConnection;
    try {
      established = await this.#handshake(handshake, remote, acceptHandler);
    } catch (error) {
      table.delete(handshake);
      this.#closing(stream);
      this.#refuse(remote, reasonOf(signal) ?? handshakeError(error));
      return;
    }
    table.delete(handshake);
    this.#settle(established, acceptHandler);
  }

  async #handshake(
    progress: PendingHandshake,
    remote: string,
    { authorize, resume, golangIpcOnly = false }: AcceptHandler,
  ): Promise<EstablishedConnection> {
    const { name, encryption, keys, limits, handshakeTimeoutMs } = this.#options;
    const { stream, signal, table } = progress;
    const { gauge } = table;
    const { maxMessageSize } = limits;
    const instance = this.#instance;
    const handshake = serverHandshake({
      name,
      instance,
      encryption,
      credentials: keys.credentials,
      currentCredentials: () => keys.credentials,
      maxMessageSize,
      golangIpcOnly,
      resume,
    });
    const { result: outcome, rest } = await runHandshake(stream, handshake, {
      timeoutMs: handshakeTimeoutMs,
      signal,
      progress,
      keyPair: (isWanted) => {
        gauge.noteStarted();
        return this.#keyPairs.take(isWanted);
      },
      authorize: (security) => {
        gauge.noteProved();
        return authorize({ security, remote });
      },
    });
    diagnostics.handshake({ role: "server", name, remote, security: outcome.codec.security });
    return { stream, outcome, rest, remote };
  }

  #settle(established: EstablishedConnection, acceptHandler: AcceptHandler): void {
    const busy = acceptHandler.busy();
    // A client that resumes has ended its own old connection, or there was a place when its session was found.
    const resumes = established.outcome.resume?.answer?.how === "resumed";
    if (busy !== undefined && !resumes) {
      if (busy.code === "IPC_SERVER_BUSY") rejectEstablished(established, "busy");
      else destroyStream(established.stream);
      this.#closing(established.stream);
      this.#refuse(established.remote, busy);
      return;
    }
    acceptHandler.onEstablished(established);
  }

  #rejectBusy(stream: Duplex, remote: string, busy: SessionError): void {
    stream.write(BUSY_HELLO);
    void closeGracefully(stream);
    this.#closing(stream);
    this.#refuse(remote, busy);
  }

  /** Keeps hold of a rejected stream until it is closed. */
  #closing(stream: Duplex): void {
    if (stream.destroyed) return;
    this.#rejected.add(stream);
    stream.once("close", () => this.#rejected.delete(stream));
  }

  /**
   * Bounds the streams: a rejected one may linger for 250 ms, and a flood must not exhaust the file descriptors. Drops the oldest,
   * because it has had the most time to read why it was rejected, and never a handshake.
   */
  #boundRejected(): void {
    const held = this.#pending + this.#rejected.size;
    if (held < PENDING_PER_HANDSHAKE * this.#options.maxHandshakes) return;
    for (const oldest of this.#rejected) {
      this.#rejected.delete(oldest);
      destroyStream(oldest);
      return;
    }
  }

  #refuse(remote: string, error: IpcError): void {
    const { name, logger } = this.#options;
    logger.warn(`server ${name}: refused ${remote}: ${error.message}`);
    diagnostics.refused({ role: "server", name, remote, error });
    this.#options.refused(error);
  }
}

/** Whether a client of a full server may be one that comes back for its session. */
function mayResume({ code }: SessionError, { resume }: AcceptHandler): boolean {
  return resume !== undefined && code === "IPC_SERVER_BUSY";
}

function reasonOf(signal: AbortSignal): IpcError | undefined {
  return isIpcError(signal.reason) ? signal.reason : undefined;
}

function handshakeError(error: unknown): IpcError {
  return asIpcError(
    error,
    (message, options) => new SessionError("IPC_HANDSHAKE_FAILED", `handshake failed: ${message}`, options),
  );
}
