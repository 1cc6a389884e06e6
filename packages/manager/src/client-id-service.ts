import { type IpcError, SessionError } from "@ipc/session";
import { asIpcError, encodeClientId, isClientIdRequest } from "@ipc/session/internal";
import { TransportError } from "@ipc/transport";
import type { ClientListener } from "./client-listener.js";
import type { ClientListeners } from "./client-listeners.js";
import type { ServerConnection } from "./server-connection.js";

/** Those who ask at once; past them the oldest is dropped. */
const MAX_PENDING_REQUESTS = 1_024;

export interface ClientIdServiceOptions {
  readonly clientListeners: ClientListeners;
  /** How long an asker may take to ask, and a client to come to its slot, in milliseconds. */
  readonly deadlineMs: number;
  readonly refused: (remote: string, error: IpcError) => void;
}

interface PendingIdRequest {
  readonly connection: ServerConnection;
  /** Aborted when it is gone, or was answered. */
  readonly life: AbortController;
  timer: NodeJS.Timeout | undefined;
  isAnswered: boolean;
}

/**
 * golang-ipc's id protocol: who asks is told an id, and a slot listens for him by then. Everybody has a deadline, so that
 * somebody who says nothing, or asks and never comes, costs a place for a while and nobody else's time.
 *
 * @see golang-ipc pool.go, `connectionListener`
 */
export class ClientIdService {
  readonly #options: ClientIdServiceOptions;
  /** The oldest first. */
  readonly #pending = new Map<ServerConnection, PendingIdRequest>();

  constructor(options: ClientIdServiceOptions) {
    this.#options = options;
  }

  /** Takes a connection that is here to ask. */
  receive(connection: ServerConnection): void {
    if (connection.status !== "Connected") return;
    const request: PendingIdRequest = { connection, life: new AbortController(), timer: undefined, isAnswered: false };
    this.#pending.set(connection, request);
    const { deadlineMs } = this.#options;
    this.#startDeadline(
      request,
      () => new SessionError("IPC_HANDSHAKE_TIMEOUT", `came for a client id and did not ask within ${deadlineMs} ms`),
    );
    for (const oldest of this.#pending.values()) {
      if (this.#pending.size <= MAX_PENDING_REQUESTS) return;
      this.#drop(
        oldest,
        new SessionError("IPC_HANDSHAKE_FAILED", `dropped as the oldest of ${MAX_PENDING_REQUESTS} askers`),
      );
    }
  }

  /** Looks at what an asker says; everything but its first request is passed over, as in golang-ipc. */
  onMessage(connection: ServerConnection, message: Parameters<typeof isClientIdRequest>[0]): void {
    const request = this.#pending.get(connection);
    if (request === undefined || request.isAnswered || !isClientIdRequest(message)) return;
    request.isAnswered = true;
    void this.#answer(request);
  }

  has(connection: ServerConnection): boolean {
    return this.#pending.has(connection);
  }

  setReferenced(referenced: boolean): void {
    for (const connection of this.#pending.keys()) {
      if (referenced) connection.ref();
      else connection.unref();
    }
  }

  /** An asker has gone. True where he had not asked yet. */
  onClosed(connection: ServerConnection): boolean {
    const request = this.#pending.get(connection);
    if (request === undefined) return false;
    this.#pending.delete(connection);
    clearTimeout(request.timer);
    request.life.abort();
    return !request.isAnswered;
  }

  close(): void {
    for (const { connection } of this.#pending.values()) connection.destroy();
  }

  async #answer(request: PendingIdRequest): Promise<void> {
    const { clientListeners } = this.#options;
    try {
      const clientListener = await clientListeners.acquire(request.life.signal);
      if (request.life.signal.aborted) clientListeners.release(clientListener);
      else await this.#sendId(request, clientListener);
    } catch (error) {
      if (!request.life.signal.aborted) this.#drop(request, listenError(error));
    }
  }

  async #sendId(request: PendingIdRequest, clientListener: ClientListener): Promise<void> {
    const { deadlineMs, refused } = this.#options;
    const missed = (): SessionError =>
      new SessionError(
        "IPC_HANDSHAKE_TIMEOUT",
        `nobody came to slot ${clientListener.id} within ${deadlineMs} ms; it was freed`,
      );
    clientListener.expectWithin(deadlineMs, (error = missed()) => refused(request.connection.remote, error));
    // golang-ipc's client ends this connection when it stands in its slot: it has as long as the slot.
    this.#startDeadline(request, undefined);
    await request.connection.writeMessage(encodeClientId(clientListener.id));
  }

  #startDeadline(request: PendingIdRequest, error: (() => SessionError) | undefined): void {
    clearTimeout(request.timer);
    request.timer = setTimeout(() => this.#drop(request, error?.()), this.#options.deadlineMs).unref();
  }

  #drop(request: PendingIdRequest, error: IpcError | undefined): void {
    const { remote } = request.connection;
    // Before, for its end is told here.
    this.onClosed(request.connection);
    request.connection.destroy(error);
    if (error !== undefined) this.#options.refused(remote, error);
  }
}

function listenError(error: unknown): IpcError {
  return asIpcError(
    error,
    (message, options) =>
      new TransportError("IPC_TRANSPORT_FAILED", `listening for a client failed: ${message}`, options),
  );
}
