import type { Duplex } from "node:stream";
import type { AcceptHandler } from "@ipc/server/internal";
import { isIpcError, type Logger, SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import type { Listener, Transport } from "@ipc/transport";

import { ClientListener } from "./client-listener.js";

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
const MAX_CLIENT_LISTENERS = 1_024;

export interface ClientListenersOptions {
  readonly name: string;
  readonly transport: Transport;
  readonly logger: Logger;
  readonly ids: ClientIds;
  readonly receive: (stream: Duplex, acceptHandler: AcceptHandler) => void;
  readonly busy: () => SessionError | undefined;
  readonly authorize: AcceptHandler["authorize"];
  readonly claimed: (clientListener: ClientListener, established: EstablishedConnection) => void;
}

/** The slots of a manager that wait for their clients. */
export class ClientListeners {
  readonly #options: ClientListenersOptions;
  /** In the order in which they were handed out or began to listen. */
  readonly #open = new Set<ClientListener>();
  /** Listens already, but no client has been told its id. */
  #spare: ClientListener | undefined;
  #isClosed = false;
  #referenced = true;

  constructor(options: ClientListenersOptions) {
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
  async acquire(signal: AbortSignal): Promise<ClientListener> {
    const spare = this.#spare;
    if (spare === undefined) return this.#listen(signal);
    this.#spare = undefined;
    this.#open.delete(spare);
    this.#open.add(spare);
    return spare;
  }

  /** Takes back a slot whose id no client has been told. */
  release(clientListener: ClientListener): void {
    if (this.#spare === undefined && !clientListener.isClosed) this.#spare = clientListener;
    else clientListener.close();
  }

  setReferenced(referenced: boolean): void {
    this.#referenced = referenced;
    for (const clientListener of this.#open) clientListener.setReferenced(referenced);
  }

  close(): void {
    this.#isClosed = true;
    for (const clientListener of this.#open) clientListener.close();
  }

  async #listen(signal: AbortSignal | undefined): Promise<ClientListener> {
    const { name, ids, logger } = this.#options;
    for (;;) {
      const clientListener = new ClientListener(ids.nextSlot(), {
        busy: this.#options.busy,
        authorize: this.#options.authorize,
        claimed: this.#options.claimed,
        closed: (freed) => this.#forget(freed),
        closeFailed: ({ id }, error) => logger.error(`server ${name}: closing slot ${id} failed: ${String(error)}`),
      });
      try {
        clientListener.opened(await this.#listenAt(clientListener, signal));
      } catch (error) {
        if (!isIpcError(error) || error.code !== "IPC_ADDRESS_IN_USE") throw error;
        logger.info(`server ${name}: id ${clientListener.id} skipped: ${error.message}`);
        continue;
      }
      // The listener was lost, or its client connected, before `listen` resolved.
      if (clientListener.isClosed && !this.#isClosed) continue;
      this.#keep(clientListener);
      return clientListener;
    }
  }

  #listenAt(clientListener: ClientListener, signal: AbortSignal | undefined): Promise<Listener> {
    const { name, transport, logger, receive } = this.#options;
    return transport.listen(
      name,
      { kind: "slot", id: clientListener.id },
      (stream) => receive(stream, clientListener.acceptHandler),
      {
        ...(signal && { signal }),
        onLost: (error) => {
          logger.warn(`server ${name}: slot ${clientListener.id} closed: ${error.message}`);
          clientListener.close();
        },
      },
    );
  }

  #forget(clientListener: ClientListener): void {
    this.#open.delete(clientListener);
    // golang-ipc's clients redial their previous slot, even at a restarted server, so a client can claim the spare one.
    if (this.#spare === clientListener) this.#spare = undefined;
  }

  #keep(clientListener: ClientListener): void {
    if (this.#isClosed) clientListener.close();
    if (clientListener.isClosed) return;
    this.#open.add(clientListener);
    clientListener.setReferenced(this.#referenced);
    const { name, logger } = this.#options;
    for (const oldest of this.#open) {
      if (this.#open.size <= MAX_CLIENT_LISTENERS) return;
      logger.warn(`server ${name}: slot ${oldest.id} closed: the oldest of ${MAX_CLIENT_LISTENERS} waiting slots`);
      oldest.giveUp(
        new SessionError(
          "IPC_HANDSHAKE_FAILED",
          `slot ${oldest.id} closed: the oldest of ${MAX_CLIENT_LISTENERS} waiting slots`,
        ),
      );
    }
  }
}
