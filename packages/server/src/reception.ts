import type { Duplex } from "node:stream";
import {
  BUSY_HELLO,
  type Credentials,
  channels,
  dropStream,
  type Established,
  endStream,
  type IpcError,
  isIpcError,
  KeyPairStock,
  type Logger,
  type PeerLimits,
  runHandshake,
  SessionError,
  serverHandshake,
  setStreamReferenced,
} from "@ipc/session";
import { remoteOf } from "@ipc/transport";
import type { Authorize } from "./server-options.js";

/** Streams that shake hands or are being sent away, for each handshake that may be under way. */
const STRANGERS_PER_HANDSHAKE = 2;

/** Key pairs that are ready when a client comes. */
const KEY_PAIRS_AHEAD = 8;

/** What a door makes of those who come through it. */
export interface Entrance {
  /** Where it is: stands for whoever has no address of his own. */
  readonly address: string;
  /** Why nobody is let in just now. */
  readonly busy: () => SessionError | undefined;
  /** Decides about a client before it is told that it is connected. */
  readonly authorize: Authorize;
  /** A handshake is complete: the stream is the caller's. */
  readonly arrived: (established: Established) => void;
}

export interface ReceptionOptions {
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
export class Reception {
  readonly #options: ReceptionOptions;
  readonly #keyPairs: KeyPairStock;
  /** Handshakes under way, the oldest first. */
  readonly #handshakes = new Set<AbortController>();
  /** Every stream that is not a connection yet, or is being sent away. */
  readonly #strangers = new Set<Duplex>();
  #referenced = true;

  constructor(options: ReceptionOptions) {
    this.#options = options;
    this.#keyPairs = new KeyPairStock(options.encryption ? KEY_PAIRS_AHEAD : 0);
  }

  /** Takes over a stream that has just been accepted. */
  receive(stream: Duplex, entrance: Entrance): void {
    this.#makeRoomForStranger();
    this.#strangers.add(stream);
    setStreamReferenced(stream, this.#referenced);
    // Nobody else may listen to it between the handshake and its taking up.
    stream.on("error", () => {});
    stream.once("close", () => this.#strangers.delete(stream));
    const remote = remoteOf(stream, entrance.address);
    const busy = entrance.busy();
    if (busy !== undefined) {
      this.#sendAway(stream, remote, busy);
      return;
    }
    this.#makeRoom();
    const handshake = new AbortController();
    this.#handshakes.add(handshake);
    this.#shakeHands(stream, remote, entrance, handshake.signal)
      .then(
        (established) => this.#settle(established, entrance),
        (error: unknown) => this.#refuse(remote, reasonOf(handshake.signal) ?? asIpcError(error)),
      )
      .finally(() => this.#handshakes.delete(handshake));
  }

  /** Whether strangers keep the process alive. The time limit of a handshake under way keeps its own. */
  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    for (const stream of this.#strangers) setStreamReferenced(stream, referenced);
  }

  /** Ends every handshake under way: the place is taken, or nobody is served any more. */
  dismiss(reason: SessionError): void {
    for (const handshake of this.#handshakes) handshake.abort(reason);
  }

  /** Drops every stream that is still here. */
  close(): void {
    this.dismiss(new SessionError("IPC_CLOSED", "the server closed during the handshake"));
    for (const stream of this.#strangers) dropStream(stream);
  }

  async #shakeHands(
    stream: Duplex,
    remote: string,
    { authorize }: Entrance,
    signal: AbortSignal,
  ): Promise<Established> {
    const { name, encryption, credentials, limits, handshakeTimeoutMs } = this.#options;
    const handshake = serverHandshake({ encryption, credentials, maxMessageSize: limits.maxMessageSize });
    const { result: negotiated, rest } = await runHandshake(stream, handshake, {
      timeoutMs: handshakeTimeoutMs,
      signal,
      referenced: this.#referenced,
      keyPair: (isWanted) => this.#keyPairs.take(isWanted),
      authorize: (security) => authorize({ security, remote }),
    });
    channels.handshake({ role: "server", name, remote, security: negotiated.protection.security });
    return { stream, negotiated, rest, remote };
  }

  #settle(established: Established, entrance: Entrance): void {
    const busy = entrance.busy();
    if (busy !== undefined) {
      dropStream(established.stream);
      this.#refuse(established.remote, busy);
      return;
    }
    this.#strangers.delete(established.stream);
    entrance.arrived(established);
  }

  #sendAway(stream: Duplex, remote: string, busy: SessionError): void {
    stream.on("error", () => {});
    stream.write(BUSY_HELLO);
    void endStream(stream);
    this.#refuse(remote, busy);
  }

  /** Each may linger for a quarter of a second: a flood of them must not use up the descriptors. */
  #makeRoomForStranger(): void {
    if (this.#strangers.size < STRANGERS_PER_HANDSHAKE * this.#options.maxHandshakes) return;
    for (const oldest of this.#strangers) {
      this.#strangers.delete(oldest);
      dropStream(oldest);
      return;
    }
  }

  #makeRoom(): void {
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
    channels.refused({ role: "server", name, remote, error });
    this.#options.refused(error);
  }
}

function reasonOf(signal: AbortSignal): SessionError | undefined {
  return signal.reason instanceof SessionError ? signal.reason : undefined;
}

/** What a stream of the user's transport fails with may be anything. */
function asIpcError(error: unknown): IpcError {
  if (isIpcError(error)) return error;
  return new SessionError("IPC_HANDSHAKE_FAILED", `the handshake failed: ${String(error)}`, { cause: error });
}
