import { leastAdvanced } from "@ipc/server/internal";
import { type DataMessage, type IpcError, SessionError } from "@ipc/session";
import { asIpcError, encodeClientId, isClientIdRequest, startTimeLimit, type TimeLimit } from "@ipc/session/internal";
import { TransportError } from "@ipc/transport";
import type { ServerConnection } from "./server-connection.js";
import type { Slot } from "./slot.js";
import type { Slots } from "./slots.js";

/** Connections in the id protocol at once; past this limit one that has not requested an id is dropped. */
const MAX_PENDING_REQUESTS = 1_024;

/** Stages of a connection in the id protocol. */
const SILENT = 0;
const ASKED = 1;

export interface ClientIdServiceOptions {
  readonly slots: Slots;
  /** How long a client may take to request an id, and then to connect to its slot, in milliseconds. */
  readonly deadlineMs: number;
  readonly refused: (remote: string, error: IpcError) => void;
}

interface PendingIdRequest {
  readonly connection: ServerConnection;
  /** Aborted when the connection has closed or was dropped. */
  readonly life: AbortController;
  limit: TimeLimit | undefined;
  stage: number;
}

/**
 * golang-ipc's id protocol: listens at a slot for each client that requests an id, then replies with its id. Every step has a
 * deadline, so a client that stays silent or never connects uses a place for a limited time and delays no other client.
 *
 * @see golang-ipc pool.go, `connectionListener`
 */
export class ClientIdService {
  readonly #options: ClientIdServiceOptions;
  readonly #pending = new Map<ServerConnection, PendingIdRequest>();

  constructor(options: ClientIdServiceOptions) {
    this.#options = options;
  }

  /** Takes over a connection that is here to request an id. */
  receive(connection: ServerConnection): void {
    if (connection.status !== "Connected") return;
    const request: PendingIdRequest = { connection, life: new AbortController(), limit: undefined, stage: SILENT };
    const displaced =
      this.#pending.size < MAX_PENDING_REQUESTS
        ? undefined
        : (leastAdvanced(this.#pending.values(), ASKED, Math.random) ?? request);
    this.#pending.set(connection, request);
    const { deadlineMs } = this.#options;
    this.#startDeadline(
      request,
      () =>
        new SessionError(
          "IPC_HANDSHAKE_TIMEOUT",
          `no client id request within ${deadlineMs} ms; the connection was closed`,
        ),
    );
    if (displaced === undefined) return;
    const why = displaced === request ? "all have requested an id" : "this one has not requested an id";
    const message = `id request dropped: ${MAX_PENDING_REQUESTS} are pending, and ${why}; the client can dial again`;
    this.#drop(displaced, new SessionError("IPC_HANDSHAKE_FAILED", message));
  }

  /** Handles a message of a pending connection. Ignores everything but its first id request, as golang-ipc does. */
  onMessage(connection: ServerConnection, message: DataMessage): void {
    const request = this.#pending.get(connection);
    if (request === undefined || request.stage === ASKED || !isClientIdRequest(message)) return;
    request.stage = ASKED;
    void this.#answer(request);
  }

  /** Removes a closed connection. Returns true if it had not requested an id yet. */
  onClosed(connection: ServerConnection): boolean {
    const request = this.#pending.get(connection);
    if (request === undefined) return false;
    this.#pending.delete(connection);
    request.limit?.cancel();
    request.life.abort();
    return request.stage === SILENT;
  }

  close(): void {
    for (const { connection } of this.#pending.values()) connection.destroy();
  }

  async #answer(request: PendingIdRequest): Promise<void> {
    const { slots } = this.#options;
    try {
      const slot = await slots.open(request.life.signal);
      if (request.life.signal.aborted) slot.close();
      else await this.#sendId(request, slot);
    } catch (error) {
      if (!request.life.signal.aborted) this.#drop(request, listenError(error));
    }
  }

  async #sendId(request: PendingIdRequest, slot: Slot): Promise<void> {
    const { deadlineMs, refused } = this.#options;
    const missed = (): SessionError =>
      new SessionError(
        "IPC_HANDSHAKE_TIMEOUT",
        `no client connected to slot ${slot.id} within ${deadlineMs} ms; the slot was closed`,
      );
    slot.expectWithin(deadlineMs, (error = missed()) => refused(request.connection.remote, error));
    // golang-ipc's client ends this connection once it is connected to its slot, so both have the same deadline.
    this.#startDeadline(request, undefined);
    await request.connection.writeMessage(encodeClientId(slot.id));
  }

  #startDeadline(request: PendingIdRequest, error: (() => SessionError) | undefined): void {
    request.limit?.cancel();
    request.limit = startTimeLimit(this.#options.deadlineMs, () => this.#drop(request, error?.()));
  }

  #drop(request: PendingIdRequest, error: IpcError | undefined): void {
    const { remote } = request.connection;
    // Remove it first: this method reports the end, so the close event must not report it again.
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
