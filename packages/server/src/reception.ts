import type { Duplex } from "node:stream";
import {
  BUSY_HELLO,
  channels,
  dropStream,
  type Established,
  endStream,
  type IpcError,
  isIpcError,
  runHandshake,
  SessionError,
  serverHandshake,
  setStreamReferenced,
} from "@ipc/session";
import { remoteOf } from "@ipc/transport";
import type { ResolvedServerOptions } from "./server-options.js";

/** Handshakes under way at once; past them the oldest is dropped. */
const MAX_HANDSHAKES = 128;

/** Streams that shake hands or are being sent away, together; past them the oldest is dropped. */
const MAX_STRANGERS = 256;

export interface ReceptionEvents {
  /** False while a client has the place. */
  readonly hasPlace: () => boolean;
  /** A handshake is complete: the stream is the caller's. */
  readonly arrived: (established: Established) => void;
  readonly refused: (error: IpcError) => void;
}

/**
 * Receives streams until one becomes a connection: many handshakes at once, each with a deadline, so that a silent or
 * hostile client holds nobody else up.
 */
export class Reception {
  readonly #options: ResolvedServerOptions;
  readonly #address: string;
  readonly #events: ReceptionEvents;
  /** Handshakes under way, the oldest first. */
  readonly #handshakes = new Set<AbortController>();
  /** Every stream that is not a connection yet, or is being sent away. */
  readonly #strangers = new Set<Duplex>();
  #referenced = true;

  constructor(options: ResolvedServerOptions, address: string, events: ReceptionEvents) {
    this.#options = options;
    this.#address = address;
    this.#events = events;
  }

  /** Takes over a stream that has just been accepted. */
  receive(stream: Duplex): void {
    this.#makeRoomForStranger();
    this.#strangers.add(stream);
    setStreamReferenced(stream, this.#referenced);
    stream.once("close", () => this.#strangers.delete(stream));
    const remote = remoteOf(stream, this.#address);
    if (!this.#events.hasPlace()) {
      this.#sendAway(stream, remote);
      return;
    }
    this.#makeRoom();
    const handshake = new AbortController();
    this.#handshakes.add(handshake);
    this.#shakeHands(stream, remote, handshake.signal)
      .then(
        (established) => this.#settle(established),
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

  async #shakeHands(stream: Duplex, remote: string, signal: AbortSignal): Promise<Established> {
    const { name, encryption, limits, handshakeTimeoutMs, authorize } = this.#options;
    const handshake = serverHandshake({ encryption, maxMessageSize: limits.maxMessageSize });
    const { result: negotiated, rest } = await runHandshake(stream, handshake, {
      timeoutMs: handshakeTimeoutMs,
      signal,
      referenced: this.#referenced,
      authorize: (security) => authorize({ security, remote }),
    });
    channels.handshake({ role: "server", name, remote, security: negotiated.protection.security });
    return { stream, negotiated, rest, remote };
  }

  #settle(established: Established): void {
    if (!this.#events.hasPlace()) {
      dropStream(established.stream);
      this.#refuse(established.remote, busyError(this.#options.name));
      return;
    }
    this.#strangers.delete(established.stream);
    this.#events.arrived(established);
    this.dismiss(busyError(this.#options.name));
  }

  #sendAway(stream: Duplex, remote: string): void {
    stream.on("error", () => {});
    stream.write(BUSY_HELLO);
    void endStream(stream);
    this.#refuse(remote, busyError(this.#options.name));
  }

  /** Each may linger for a quarter of a second: a flood of them must not use up the descriptors. */
  #makeRoomForStranger(): void {
    if (this.#strangers.size < MAX_STRANGERS) return;
    for (const oldest of this.#strangers) {
      this.#strangers.delete(oldest);
      dropStream(oldest);
      return;
    }
  }

  #makeRoom(): void {
    if (this.#handshakes.size < MAX_HANDSHAKES) return;
    for (const oldest of this.#handshakes) {
      this.#handshakes.delete(oldest);
      oldest.abort(
        new SessionError("IPC_HANDSHAKE_FAILED", `dropped as the oldest of ${MAX_HANDSHAKES} handshakes under way`),
      );
      return;
    }
  }

  #refuse(remote: string, error: IpcError): void {
    const { name, logger } = this.#options;
    logger.warn(`server ${name}: refused ${remote}: ${error.message}`);
    channels.refused({ role: "server", name, remote, error });
    this.#events.refused(error);
  }
}

function busyError(name: string): SessionError {
  return new SessionError("IPC_SERVER_BUSY", `server \`${name}\` serves another client; it takes one at a time`);
}

function reasonOf(signal: AbortSignal): SessionError | undefined {
  return signal.reason instanceof SessionError ? signal.reason : undefined;
}

/** What a stream of the user's transport fails with may be anything. */
function asIpcError(error: unknown): IpcError {
  if (isIpcError(error)) return error;
  return new SessionError("IPC_HANDSHAKE_FAILED", `the handshake failed: ${String(error)}`, { cause: error });
}
