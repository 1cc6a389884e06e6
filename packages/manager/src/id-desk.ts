import { encodeClientId, type IpcError, isClientIdRequest, isIpcError, SessionError } from "@ipc/session";
import { TransportError } from "@ipc/transport";
import type { ServerConnection } from "./server-connection.js";
import type { Slot } from "./slot.js";
import type { Slots } from "./slots.js";

/** Those who ask at once; past them the oldest is dropped. */
const MAX_ASKERS = 1_024;

export interface IdDeskOptions {
  readonly slots: Slots;
  /** How long an asker may take to ask, and a client to come to its slot, in milliseconds. */
  readonly deadlineMs: number;
  readonly refused: (remote: string, error: IpcError) => void;
}

interface Asker {
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
export class IdDesk {
  readonly #options: IdDeskOptions;
  /** The oldest first. */
  readonly #askers = new Map<ServerConnection, Asker>();

  constructor(options: IdDeskOptions) {
    this.#options = options;
  }

  /** Takes a connection that is here to ask. */
  receive(connection: ServerConnection): void {
    if (connection.status !== "Connected") return;
    const asker: Asker = { connection, life: new AbortController(), timer: undefined, isAnswered: false };
    this.#askers.set(connection, asker);
    const { deadlineMs } = this.#options;
    this.#startDeadline(
      asker,
      () => new SessionError("IPC_HANDSHAKE_TIMEOUT", `came for a client id and did not ask within ${deadlineMs} ms`),
    );
    for (const oldest of this.#askers.values()) {
      if (this.#askers.size <= MAX_ASKERS) return;
      this.#drop(oldest, new SessionError("IPC_HANDSHAKE_FAILED", `dropped as the oldest of ${MAX_ASKERS} askers`));
    }
  }

  /** Looks at what an asker says; everything but its first request is passed over, as in golang-ipc. */
  hear(connection: ServerConnection, message: Parameters<typeof isClientIdRequest>[0]): void {
    const asker = this.#askers.get(connection);
    if (asker === undefined || asker.isAnswered || !isClientIdRequest(message)) return;
    asker.isAnswered = true;
    void this.#answer(asker);
  }

  has(connection: ServerConnection): boolean {
    return this.#askers.has(connection);
  }

  setReferenced(referenced: boolean): void {
    for (const connection of this.#askers.keys()) {
      if (referenced) connection.ref();
      else connection.unref();
    }
  }

  /** An asker has gone. True where he had not asked yet. */
  left(connection: ServerConnection): boolean {
    const asker = this.#askers.get(connection);
    if (asker === undefined) return false;
    this.#askers.delete(connection);
    clearTimeout(asker.timer);
    asker.life.abort();
    return !asker.isAnswered;
  }

  close(): void {
    for (const { connection } of this.#askers.values()) connection.destroy();
  }

  async #answer(asker: Asker): Promise<void> {
    const { slots } = this.#options;
    try {
      const slot = await slots.allot(asker.life.signal);
      if (asker.life.signal.aborted) slots.giveBack(slot);
      else await this.#tell(asker, slot);
    } catch (error) {
      if (!asker.life.signal.aborted) this.#drop(asker, asIpcError(error));
    }
  }

  async #tell(asker: Asker, slot: Slot): Promise<void> {
    const { deadlineMs, refused } = this.#options;
    const missed = (): SessionError =>
      new SessionError("IPC_HANDSHAKE_TIMEOUT", `nobody came to slot ${slot.id} within ${deadlineMs} ms; it was freed`);
    slot.expectWithin(deadlineMs, (error = missed()) => refused(asker.connection.remote, error));
    // golang-ipc's client ends this connection when it stands in its slot: it has as long as the slot.
    this.#startDeadline(asker, undefined);
    await asker.connection.writeMessage(encodeClientId(slot.id));
  }

  #startDeadline(asker: Asker, error: (() => SessionError) | undefined): void {
    clearTimeout(asker.timer);
    asker.timer = setTimeout(() => this.#drop(asker, error?.()), this.#options.deadlineMs).unref();
  }

  #drop(asker: Asker, error: IpcError | undefined): void {
    const { remote } = asker.connection;
    // Before, for its end is told here.
    this.left(asker.connection);
    asker.connection.destroy(error);
    if (error !== undefined) this.#options.refused(remote, error);
  }
}

/** A transport of the user's may fail with errors of its own. */
function asIpcError(error: unknown): IpcError {
  if (isIpcError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TransportError("IPC_TRANSPORT_FAILED", `listening for a client failed: ${message}`, { cause: error });
}
