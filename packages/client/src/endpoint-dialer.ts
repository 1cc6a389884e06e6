import { type ClientHandshakeOptions, clientHandshake, runHandshake } from "@ipc/session/handshake";
import { diagnostics, type EstablishedConnection, setStreamReferenced, withKeyFile } from "@ipc/session/internal";
import type { Endpoint } from "@ipc/transport";
import { remoteOf } from "@ipc/transport/internal";
import { readKeyFile } from "@ipc/transport/key-file";
import type { ResolvedClientOptions } from "./client-options.js";

/** Dials the endpoints of one server, and remembers what it has proved. */
export class EndpointDialer {
  readonly #options: ResolvedClientOptions;
  /** The MODE bits that were proved in all secure sessions so far; from the first one on the client rejects anything less. */
  #earlierMode: number | undefined;
  /** The server that has the session. */
  #instance: string | undefined;

  constructor(options: ResolvedClientOptions) {
    this.#options = options;
  }

  /** Whether there was a secure session. */
  get wasSecure(): boolean {
    return this.#earlierMode !== undefined;
  }

  /**
   * Dials an endpoint once, and runs the handshake.
   * @param resume whether and how a session is resumed there. @default it is not
   * @throws errors of the transport, of the key file and of the handshake
   */
  async dial(
    endpoint: Endpoint,
    signal: AbortSignal,
    resume?: ClientHandshakeOptions["resume"],
  ): Promise<EstablishedConnection> {
    const { name, serverName, transport, encryption, limits, handshakeTimeoutMs, logger } = this.#options;
    // Read the key file before each dial: a server that creates the file does so before it listens.
    const credentials = withKeyFile(this.#options.credentials, this.#options.keyFilePlace, readKeyFile);
    const instance = resume?.claim && this.#instance;
    const stream = await transport.dial(name, endpoint, { signal, ...(instance !== undefined && { instance }) });
    setStreamReferenced(stream, false);
    const remote = remoteOf(stream, transport.address(name, endpoint));
    logger.debug(`client ${name}: dialled ${remote}`);
    const handshake = clientHandshake({
      name,
      address: remote,
      serverName,
      encryption,
      maxMessageSize: limits.maxMessageSize,
      credentials,
      earlierMode: this.#earlierMode,
      resume,
    });
    const { result: outcome, rest } = await runHandshake(stream, handshake, {
      timeoutMs: handshakeTimeoutMs,
      signal,
    });
    const { security } = outcome.codec;
    if (outcome.resume !== undefined) this.#instance = outcome.resume.instance;
    if (outcome.secureMode !== undefined) this.#earlierMode = (this.#earlierMode ?? 0) | outcome.secureMode;
    diagnostics.handshake({ role: "client", name, remote, security });
    return { stream, outcome, rest, remote };
  }
}
