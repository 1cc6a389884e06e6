import type { Duplex } from "node:stream";
import type { AcceptHandler } from "@ipc/server/internal";
import { isIpcError, type Logger, SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import type { Listener, Transport } from "@ipc/transport";

import { Slot } from "./slot.js";

const FIRST_BEHIND_PORTS = 65_536;

/**
 * Assigns the ids of clients, each once. If slots are ports, a slot's id is part of its port: clients of the shared endpoint
 * then get ids from 65 536 on, so that they use up no port.
 */
export class ClientIds {
  #slot = 0;
  #shared: number | undefined;

  constructor(slotsArePorts: boolean) {
    this.#shared = slotsArePorts ? FIRST_BEHIND_PORTS - 1 : undefined;
  }

  /** Returns the id of the next slot. */
  nextSlot(): number {
    this.#slot++;
    return this.#slot;
  }

  /** Returns the id of the next client of the shared endpoint. */
  nextShared(): number {
    if (this.#shared === undefined) return this.nextSlot();
    this.#shared++;
    return this.#shared;
  }
}

/** Slots that wait for their client at once; past this limit the oldest is closed. */
const MAX_SLOTS = 1_024;

export interface SlotsOptions {
  readonly name: string;
  readonly transport: Transport;
  readonly logger: Logger;
  readonly ids: ClientIds;
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
    try {
      this.#spare = await this.#listen(signal);
    } catch (error) {
      // A transport without slots, such as TCP at a port that the system chose, can still serve the shared endpoint.
      if (!isIpcError(error) || error.code !== "IPC_TRANSPORT_FAILED") throw error;
      this.#options.logger.warn(`server ${this.#options.name}: no client ids available: ${error.message}`);
    }
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
    const { name, ids, logger } = this.#options;
    for (;;) {
      const slot = new Slot(ids.nextSlot(), {
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
        logger.info(`server ${name}: id ${slot.id} skipped: ${error.message}`);
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
    return transport.listen(
      name,
      { kind: "slot", id: slot.id },
      (stream) => receive(stream, slot.acceptHandler),
      {
        ...(signal && { signal }),
        onLost: (error) => {
          logger.warn(`server ${name}: slot ${slot.id} closed: ${error.message}`);
          slot.close();
        },
      },
    );
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
      logger.warn(`server ${name}: slot ${oldest.id} closed: the oldest of ${MAX_SLOTS} waiting slots`);
      oldest.giveUp(
        new SessionError(
          "IPC_HANDSHAKE_FAILED",
          `slot ${oldest.id} closed: the oldest of ${MAX_SLOTS} waiting slots`,
        ),
      );
    }
  }
}
