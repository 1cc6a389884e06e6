import type { Duplex } from "node:stream";
import type { Entrance } from "@ipc/server";
import { type Established, isIpcError, type Logger, SessionError } from "@ipc/session";
import type { Listener, Transport } from "@ipc/transport";
import type { ClientIds } from "./client-ids.js";
import { Slot } from "./slot.js";

/** Slots that wait for their client at once; past them the oldest is freed. */
const MAX_SLOTS = 1_024;

export interface SlotsOptions {
  readonly name: string;
  readonly transport: Transport;
  readonly logger: Logger;
  readonly ids: ClientIds;
  readonly receive: (stream: Duplex, entrance: Entrance) => void;
  readonly busy: () => SessionError | undefined;
  readonly authorize: Entrance["authorize"];
  readonly claimed: (slot: Slot, established: Established) => void;
}

/** The slots of a manager that wait for their clients. */
export class Slots {
  readonly #options: SlotsOptions;
  /** In the order in which they were given, or began to listen. */
  readonly #open = new Set<Slot>();
  /** Listens, and its id is not known to anybody. */
  #spare: Slot | undefined;
  #isClosed = false;
  #referenced = true;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /** Listens at the first slot before anybody asks, as golang-ipc does. */
  async prepare(signal: AbortSignal | undefined): Promise<void> {
    try {
      this.#spare = await this.#listen(signal);
    } catch (error) {
      // A transport without slots, such as TCP at a port that the system chose, still has its other door.
      if (!isIpcError(error) || error.code !== "IPC_TRANSPORT_FAILED") throw error;
      this.#options.logger.warn(`server ${this.#options.name}: no client ids are given out: ${error.message}`);
    }
  }

  /**
   * Returns a slot that listens.
   * @throws what listening fails with; a slot whose address is taken is passed over
   */
  async allot(signal: AbortSignal): Promise<Slot> {
    const spare = this.#spare;
    if (spare === undefined) return this.#listen(signal);
    this.#spare = undefined;
    this.#open.delete(spare);
    this.#open.add(spare);
    return spare;
  }

  /** Takes back a slot whose id nobody has been told. */
  giveBack(slot: Slot): void {
    if (this.#spare === undefined && !slot.isFree) this.#spare = slot;
    else slot.free();
  }

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    for (const slot of this.#open) slot.setReferenced(referenced);
  }

  close(): void {
    this.#isClosed = true;
    for (const slot of this.#open) slot.free();
  }

  async #listen(signal: AbortSignal | undefined): Promise<Slot> {
    const { name, ids, logger } = this.#options;
    for (;;) {
      const slot = new Slot(ids.nextSlot(), {
        busy: this.#options.busy,
        authorize: this.#options.authorize,
        claimed: this.#options.claimed,
        freed: (freed) => this.#forget(freed),
        closeFailed: ({ id }, error) => logger.error(`server ${name}: closing slot ${id} failed: ${String(error)}`),
      });
      try {
        slot.opened(await this.#listenAt(slot, signal));
      } catch (error) {
        if (!isIpcError(error) || error.code !== "IPC_ADDRESS_IN_USE") throw error;
        logger.info(`server ${name}: id ${slot.id} is passed over: ${error.message}`);
        continue;
      }
      // Its listener was lost, or its client came, before it was known to listen.
      if (slot.isFree && !this.#isClosed) continue;
      this.#keep(slot);
      return slot;
    }
  }

  #listenAt(slot: Slot, signal: AbortSignal | undefined): Promise<Listener> {
    const { name, transport, logger, receive } = this.#options;
    return transport.listen(name, { kind: "slot", id: slot.id }, (stream) => receive(stream, slot.entrance), {
      ...(signal && { signal }),
      onLost: (error) => {
        logger.warn(`server ${name}: slot ${slot.id} is closed: ${error.message}`);
        slot.free();
      },
    });
  }

  #forget(slot: Slot): void {
    this.#open.delete(slot);
    // golang-ipc's clients redial the slot that they had, also at a server that was started again and knows nobody.
    if (this.#spare === slot) this.#spare = undefined;
  }

  #keep(slot: Slot): void {
    if (this.#isClosed) slot.free();
    if (slot.isFree) return;
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
