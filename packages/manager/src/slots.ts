import type { Duplex } from "node:stream";
import type { AcceptHandler } from "@ipc/server/internal";
import { isIpcError, type Logger, SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import type { Listener, Transport } from "@ipc/transport";

import { Slot } from "./slot.js";

/** Slots that wait for their client at once; past this limit the oldest is closed. */
const MAX_SLOTS = 1_024;

export interface SlotsOptions {
  readonly name: string;
  readonly transport: Transport;
  readonly logger: Logger;
  /** Returns the id of the next client, each once. */
  readonly nextId: () => number;
  readonly receive: (stream: Duplex, acceptHandler: AcceptHandler) => void;
  readonly busy: () => SessionError | undefined;
  readonly authorize: AcceptHandler["authorize"];
  readonly claimed: (slot: Slot, established: EstablishedConnection) => void;
}

/** The slots of a manager that wait for their clients. */
export class Slots {
  readonly #options: SlotsOptions;
  /** In the order in which they were handed out or began to listen. */
  readonly #open = new Set<Slot>();
  /** Listens already, but no client has been told its id. */
  #spare: Slot | undefined;
  #isClosed = false;
  #referenced = true;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /** Listens at the first slot before any client requests an id, as golang-ipc does. */
  async prepare(signal: AbortSignal | undefined): Promise<void> {
    this.#spare = await this.#listen(signal);
  }

  /**
   * Returns a slot that listens.
   * @throws the error with which listening failed; skips a slot whose address is in use
   */
  async acquire(signal: AbortSignal): Promise<Slot> {
    const spare = this.#spare;
    if (spare === undefined) return this.#listen(signal);
    this.#spare = undefined;
    this.#open.delete(spare);
    this.#open.add(spare);
    return spare;
  }

  /** Takes back a slot whose id no client has been told. */
  release(slot: Slot): void {
    if (this.#spare === undefined && !slot.isClosed) this.#spare = slot;
    else slot.close();
  }

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    for (const slot of this.#open) slot.setReferenced(referenced);
  }

  close(): void {
    this.#isClosed = true;
    for (const slot of this.#open) slot.close();
  }

  async #listen(signal: AbortSignal | undefined): Promise<Slot> {
    const { name, nextId, logger } = this.#options;
    for (;;) {
      const slot = new Slot(nextId(), {
        busy: this.#options.busy,
        authorize: this.#options.authorize,
        claimed: this.#options.claimed,
        closed: (freed) => this.#forget(freed),
        closeFailed: ({ id }, error) => logger.error(`server ${name}: closing slot ${id} failed: ${String(error)}`),
      });
      try {
        slot.opened(await this.#listenAt(slot, signal));
      } catch (error) {
        if (!isIpcError(error) || error.code !== "IPC_ADDRESS_IN_USE") throw error;
        logger.info(`server ${name}: id ${slot.id} is passed over: ${error.message}`);
        continue;
      }
      // The listener was lost, or its client connected, before `listen` resolved.
      if (slot.isClosed && !this.#isClosed) continue;
      this.#keep(slot);
      return slot;
    }
  }

  #listenAt(slot: Slot, signal: AbortSignal | undefined): Promise<Listener> {
    const { name, transport, logger, receive } = this.#options;
    return transport.listen(name, { kind: "slot", id: slot.id }, (stream) => receive(stream, slot.acceptHandler), {
      ...(signal && { signal }),
      onLost: (error) => {
        logger.warn(`server ${name}: slot ${slot.id} is closed: ${error.message}`);
        slot.close();
      },
    });
  }

  #forget(slot: Slot): void {
    this.#open.delete(slot);
    // golang-ipc's clients redial their previous slot, even at a restarted server, so a client can claim the spare one.
    if (this.#spare === slot) this.#spare = undefined;
  }

  #keep(slot: Slot): void {
    if (this.#isClosed) slot.close();
    if (slot.isClosed) return;
    this.#open.add(slot);
    slot.setReferenced(this.#referenced);
    const { name, logger } = this.#options;
    for (const oldest of this.#open) {
      if (this.#open.size <= MAX_SLOTS) return;
      logger.warn(`server ${name}: slot ${oldest.id} is closed, the oldest of ${MAX_SLOTS} that wait for clients`);
      oldest.giveUp(
        new SessionError(
          "IPC_HANDSHAKE_FAILED",
          `slot ${oldest.id} was freed as the oldest of ${MAX_SLOTS} that wait for clients`,
        ),
      );
    }
  }
}
