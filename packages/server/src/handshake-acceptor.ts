import type { Duplex } from "node:stream";
import { type IpcError, isIpcError, type Logger, SessionError } from "@ipc/session";
import { BUSY_HELLO, type Credentials, KeyPairPool, runHandshake, serverHandshake } from "@ipc/session/handshake";
import {
  asIpcError,
  closeGracefully,
  destroyStream,
  diagnostics,
  type EstablishedConnection,
  type PeerLimits,
  setStreamReferenced,
} from "@ipc/session/internal";
import { remoteOf } from "@ipc/transport/internal";
import type { Authorize } from "./server-options.js";

/** Pending streams (in a handshake or being rejected) allowed per handshake of `maxHandshakes`. */
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
  /** Called when a handshake is complete; the callee then owns the stream. */
  readonly onEstablished: (established: EstablishedConnection) => void;
}

export interface HandshakeAcceptorOptions {
  readonly name: string;
  readonly encryption: boolean;
  readonly credentials: Credentials;
  readonly limits: PeerLimits;
  readonly handshakeTimeoutMs: number;
  readonly logger: Logger;
  /** Limit of concurrent handshakes; one more drops the oldest. */
  readonly maxHandshakes: number;
  readonly refused: (error: IpcError) => void;
}

/**
 * Runs the handshakes of accepted streams concurrently, each with a deadline, so that a silent or hostile client does not delay
 * other clients.
 */
export class HandshakeAcceptor {
  readonly #options: HandshakeAcceptorOptions;
  readonly #keyPairs: KeyPairPool;
  /** Handshakes in progress, oldest first. */
  readonly #handshakes = new Set<AbortController>();
  /** Streams in a handshake or being rejected, oldest first. */
  readonly #pending = new Set<Duplex>();
  #referenced = true;

  constructor(options: HandshakeAcceptorOptions) {
    this.#options = options;
    this.#keyPairs = new KeyPairPool(options.encryption ? KEY_PAIRS_AHEAD : 0);
  }

  /** Takes over a newly accepted stream and runs its handshake, or rejects it if the server is busy. */
  receive(stream: Duplex, acceptHandler: AcceptHandler): void {
    this.#dropOldestPending();
    this.#pending.add(stream);
    setStreamReferenced(stream, this.#referenced);
    // Between the handshake and `attach` the stream may have no other 'error' listener.
    stream.on("error", () => {});
    stream.once("close", () => this.#pending.delete(stream));
    const remote = remoteOf(stream, acceptHandler.address);
    const busy = acceptHandler.busy();
    if (busy !== undefined) {
      this.#rejectBusy(stream, remote, busy);
      return;
    }
    this.#abortOldest();
    const handshake = new AbortController();
    this.#handshakes.add(handshake);
    this.#handshake(stream, remote, acceptHandler, handshake.signal)
      .then(
        (established) => this.#settle(established, acceptHandler),
        (error: unknown) => this.#refuse(remote, reasonOf(handshake.signal) ?? handshakeError(error)),
      )
      .finally(() => this.#handshakes.delete(handshake));
  }

  /** Sets whether pending streams keep the process alive. The timer of a handshake in progress keeps its earlier setting. */
  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    for (const stream of this.#pending) setStreamReferenced(stream, referenced);
  }

  /** Aborts every handshake in progress, because another client was accepted or the server is closing. */
  abortAll(reason: SessionError): void {
    for (const handshake of this.#handshakes) handshake.abort(reason);
  }

  /** Destroys every pending stream. */
  close(): void {
    this.abortAll(new SessionError("IPC_CLOSED", "handshake aborted: the server was closed"));
    for (const stream of this.#pending) destroyStream(stream);
  }

  async #handshake(
    stream: Duplex,
    remote: string,
    { authorize, golangIpcOnly = false }: AcceptHandler,
    signal: AbortSignal,
  ): Promise<EstablishedConnection> {
    const { name, encryption, credentials, limits, handshakeTimeoutMs } = this.#options;
    const { maxMessageSize } = limits;
    const handshake = serverHandshake({ encryption, credentials, maxMessageSize, golangIpcOnly });
    const { result: outcome, rest } = await runHandshake(stream, handshake, {
      timeoutMs: handshakeTimeoutMs,
      signal,
      referenced: this.#referenced,
      keyPair: (isWanted) => this.#keyPairs.take(isWanted),
      authorize: (security) => authorize({ security, remote }),
    });
    diagnostics.handshake({ role: "server", name, remote, security: outcome.codec.security });
    return { stream, outcome, rest, remote };
  }

  #settle(established: EstablishedConnection, acceptHandler: AcceptHandler): void {
    const busy = acceptHandler.busy();
    if (busy !== undefined) {
      destroyStream(established.stream);
      this.#refuse(established.remote, busy);
      return;
    }
    this.#pending.delete(established.stream);
    acceptHandler.onEstablished(established);
  }

  #rejectBusy(stream: Duplex, remote: string, busy: SessionError): void {
    stream.on("error", () => {});
    stream.write(BUSY_HELLO);
    void closeGracefully(stream);
    this.#refuse(remote, busy);
  }

  /** Bounds the pending streams: a rejected one may linger for 250 ms, and a flood must not exhaust the file descriptors. */
  #dropOldestPending(): void {
    if (this.#pending.size < PENDING_PER_HANDSHAKE * this.#options.maxHandshakes) return;
    for (const oldest of this.#pending) {
      this.#pending.delete(oldest);
      destroyStream(oldest);
      return;
    }
  }

  #abortOldest(): void {
    const { maxHandshakes } = this.#options;
    if (this.#handshakes.size < maxHandshakes) return;
    for (const oldest of this.#handshakes) {
      this.#handshakes.delete(oldest);
      oldest.abort(
        new SessionError("IPC_HANDSHAKE_FAILED", `handshake dropped: the oldest of ${maxHandshakes} in progress`),
      );
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

function reasonOf(signal: AbortSignal): IpcError | undefined {
  return isIpcError(signal.reason) ? signal.reason : undefined;
}

function handshakeError(error: unknown): IpcError {
  return asIpcError(
    error,
    (message, options) => new SessionError("IPC_HANDSHAKE_FAILED", `handshake failed: ${message}`, options),
  );
}
