import type { Duplex } from "node:stream";
import { type IpcError, type Logger, SessionError } from "@ipc/session";
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

/** Streams that shake hands or are being sent away, for each handshake that may be under way. */
const PENDING_PER_HANDSHAKE = 2;

/** Key pairs that are ready when a client comes. */
const KEY_PAIRS_AHEAD = 8;

/** What a door makes of those who come through it. */
export interface AcceptHandler {
  /** Where it is: stands for whoever has no address of his own. */
  readonly address: string;
  /** Why nobody is let in just now. */
  readonly busy: () => SessionError | undefined;
  /** Decides about a client before it is told that it is connected. */
  readonly authorize: Authorize;
  /** A handshake is complete: the stream is the caller's. */
  readonly onEstablished: (established: EstablishedConnection) => void;
}

export interface HandshakeAcceptorOptions {
  readonly name: string;
  readonly encryption: boolean;
  readonly credentials: Credentials;
  readonly limits: PeerLimits;
  readonly handshakeTimeoutMs: number;
  readonly logger: Logger;
  /** Handshakes under way at once; past them the oldest is dropped. */
  readonly maxHandshakes: number;
  readonly refused: (error: IpcError) => void;
}

/**
 * Receives streams until one becomes a connection: many handshakes at once, each with a deadline, so that a silent or
 * hostile client holds nobody else up.
 */
export class HandshakeAcceptor {
  readonly #options: HandshakeAcceptorOptions;
  readonly #keyPairs: KeyPairPool;
  /** Handshakes under way, the oldest first. */
  readonly #handshakes = new Set<AbortController>();
  /** Every stream that is not a connection yet, or is being sent away. */
  readonly #pending = new Set<Duplex>();
  #referenced = true;

  constructor(options: HandshakeAcceptorOptions) {
    this.#options = options;
    this.#keyPairs = new KeyPairPool(options.encryption ? KEY_PAIRS_AHEAD : 0);
  }

  /** Takes over a stream that has just been accepted. */
  receive(stream: Duplex, acceptHandler: AcceptHandler): void {
    this.#dropOldestPending();
    this.#pending.add(stream);
    setStreamReferenced(stream, this.#referenced);
    // Nobody else may listen to it between the handshake and its taking up.
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

  /** Whether strangers keep the process alive. The time limit of a handshake under way keeps its own. */
  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    for (const stream of this.#pending) setStreamReferenced(stream, referenced);
  }

  /** Ends every handshake under way: the place is taken, or nobody is served any more. */
  abortAll(reason: SessionError): void {
    for (const handshake of this.#handshakes) handshake.abort(reason);
  }

  /** Drops every stream that is still here. */
  close(): void {
    this.abortAll(new SessionError("IPC_CLOSED", "the server closed during the handshake"));
    for (const stream of this.#pending) destroyStream(stream);
  }

  async #handshake(
    stream: Duplex,
    remote: string,
    { authorize }: AcceptHandler,
    signal: AbortSignal,
  ): Promise<EstablishedConnection> {
    const { name, encryption, credentials, limits, handshakeTimeoutMs } = this.#options;
    const handshake = serverHandshake({ encryption, credentials, maxMessageSize: limits.maxMessageSize });
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

  /** Each may linger for a quarter of a second: a flood of them must not use up the descriptors. */
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
        new SessionError("IPC_HANDSHAKE_FAILED", `dropped as the oldest of ${maxHandshakes} handshakes under way`),
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

function reasonOf(signal: AbortSignal): SessionError | undefined {
  return signal.reason instanceof SessionError ? signal.reason : undefined;
}

function handshakeError(error: unknown): IpcError {
  return asIpcError(
    error,
    (message, options) => new SessionError("IPC_HANDSHAKE_FAILED", `the handshake failed: ${message}`, options),
  );
}
