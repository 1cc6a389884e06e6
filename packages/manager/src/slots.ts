import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers";
import type { AcceptHandler } from "@ipc/server/internal";
import { isIpcError, type Logger, SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import { type Listener, type Transport, TransportError } from "@ipc/transport";
import { Slot } from "./slot.js";

/** Slots without a client at once; past this limit the oldest is closed. */
const MAX_FREE_SLOTS = 1_024;

/** Addresses that are in use, in a row, before an id request fails: each costs some system calls. */
const MAX_SKIPPED = 32;

export interface SlotsOptions {
  readonly name: string;
  readonly transport: Transport;
  readonly logger: Logger;
  /** Returns the id of the next client, each once. */
  readonly nextId: () => number;
  readonly receive: (stream: Duplex, acceptHandler: AcceptHandler) => void;
  readonly busy: () => SessionError | undefined;
  readonly authorize: AcceptHandler["authorize"];
  readonly resume: AcceptHandler["resume"];
  readonly claimed: (slot: Slot, established: EstablishedConnection) => void;
}

/** The slots of a manager: none until a client requests an id. */
export class Slots {
  readonly #options: SlotsOptions;
  /** By id. */
  readonly #slots = new Map<number, Slot>();
  /** Those without a client, in the order in which they have been so. */
  readonly #free = new Set<Slot>();
  #isClosed = false;

  constructor(options: SlotsOptions) {
    this.#options = options;
  }

  /**
   * Opens a slot that listens, at the next address that is not in use.
   * @throws the error with which listening failed; TransportError IPC_ADDRESS_IN_USE after 32 addresses that are in use
   */
  async open(signal: AbortSignal): Promise<Slot> {
    const { name, nextId, logger } = this.#options;
    let last: unknown;
    for (let skipped = 0; skipped < MAX_SKIPPED; skipped++) {
      const slot = this.#create(nextId());
      try {
        slot.opened(await this.#listenAt(slot, signal));
      } catch (error) {
        slot.close();
        if (!isIpcError(error) || error.code !== "IPC_ADDRESS_IN_USE") throw error;
        logger.info(`server ${name}: id ${slot.id} skipped: ${error.message}`);
        last = error;
        continue;
      }
      if (this.#isClosed) slot.close();
      // Before `listen` resolved, the listener may have been lost, or a program that was given no id may have connected.
      else if (slot.state !== "waiting") continue;
      else this.#addFree(slot);
      return slot;
    }
    throw new TransportError(
      "IPC_ADDRESS_IN_USE",
      `no slot for a client of \`${name}\`: ${MAX_SKIPPED} addresses in a row are in use; find the program that uses them, or retry, which goes on behind them`,
      { cause: last },
    );
  }

  /** The client with this id has gone. A client that has no slot is ignored. */
  leave(id: number): void {
    const slot = this.#slots.get(id);
    if (slot === undefined) return;
    slot.leave();
    this.#addFree(slot);
  }

  close(): void {
    this.#isClosed = true;
    for (const slot of this.#slots.values()) slot.close();
  }

  #create(id: number): Slot {
    const { name, logger, busy, authorize, resume, claimed } = this.#options;
    const slot = new Slot(id, {
      busy,
      authorize,
      resume,
      claimed: (taken, established) => {
        this.#free.delete(taken);
        claimed(taken, established);
      },
      closed: (closed) => {
        this.#slots.delete(closed.id);
        this.#free.delete(closed);
      },
      closeFailed: (error) => logger.error(`server ${name}: closing slot ${id} failed: ${String(error)}`),
    });
    this.#slots.set(id, slot);
    return slot;
  }

  #listenAt(slot: Slot, signal: AbortSignal): Promise<Listener> {
    const { name, transport, logger } = this.#options;
    return transport.listen(name, { kind: "slot", id: slot.id }, (stream) => this.#receive(slot, stream), {
      signal,
      onLost: (error) => {
        logger.warn(`server ${name}: slot ${slot.id} closed: ${error.message}`);
        slot.close();
      },
    });
  }

  /**
   * Passes a stream on. At a slot that is taken, it waits until sockets that are closing have closed: the end of the old
   * connection may be among the events of the same turn, and a golang-ipc client that redials and finds its slot busy gives up
   * for good. Closed sockets are reported after the first `setImmediate` callback.
   */
  #receive(slot: Slot, stream: Duplex): void {
    const receive = (): void => this.#options.receive(stream, slot.acceptHandler);
    if (slot.state === "taken") setImmediate(() => setImmediate(receive));
    else receive();
  }

  #addFree(slot: Slot): void {
    this.#free.add(slot);
    const { name, logger } = this.#options;
    for (const oldest of this.#free) {
      if (this.#free.size <= MAX_FREE_SLOTS) return;
      const what = `slot ${oldest.id} closed: the oldest of ${MAX_FREE_SLOTS} without a client`;
      logger.warn(`server ${name}: ${what}`);
      oldest.giveUp(new SessionError("IPC_HANDSHAKE_FAILED", what));
    }
  }
}
