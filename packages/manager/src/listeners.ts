import type { Duplex } from "node:stream";
import { type AcceptHandler, HandshakeAcceptor } from "@ipc/server/internal";
import type { IpcError, SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import type { Endpoint, Listener, TransportError } from "@ipc/transport";
import { ClientIds, ClientListeners } from "./client-listeners.js";
import type { ResolvedManagerOptions } from "./manager-options.js";

/**
 * Handshakes under way at once: as many as a system's queue of connections lets in together. One that is dropped dials again
 * at once, which costs more than letting it wait for its turn.
 */
const MAX_HANDSHAKES = 4_096;

const NAME: Endpoint = { kind: "name" };
const MANAGER: Endpoint = { kind: "manager" };

/** By which door somebody came. `either`: where they are one, his first message tells. */
export type EndpointKind = "shared" | "manager" | "either" | "slot";

export interface ListenersEvents {
  readonly busy: () => SessionError | undefined;
  /** `id`: what he is known by from now on; 0 for somebody who came to ask for one. */
  readonly onEstablished: (established: EstablishedConnection, by: EndpointKind, id: number) => void;
  readonly refused: (error: IpcError) => void;
  readonly lost: (error: TransportError) => void;
}

/**
 * The doors of a manager: `<name>` for any number of clients; `<name>_manager`, where golang-ipc's clients ask for an id; and
 * a slot, `<name><id>`, for each that has got one.
 */
export class Listeners {
  readonly clientListeners: ClientListeners;
  readonly acceptor: HandshakeAcceptor;
  readonly #options: ResolvedManagerOptions;
  readonly #events: ListenersEvents;
  readonly #ids: ClientIds;
  readonly #sharesAddress: boolean;
  readonly #listeners: Listener[] = [];

  constructor(options: ResolvedManagerOptions, events: ListenersEvents) {
    this.#options = options;
    this.#events = events;
    const { name, transport, logger, authorize } = options;
    this.#sharesAddress = transport.address(name, NAME) === transport.address(name, MANAGER);
    this.#ids = new ClientIds(this.#sharesAddress);
    this.acceptor = new HandshakeAcceptor({ ...options, maxHandshakes: MAX_HANDSHAKES, refused: events.refused });
    this.clientListeners = new ClientListeners({
      name,
      transport,
      logger,
      authorize,
      ids: this.#ids,
      receive: (stream, acceptHandler) => this.acceptor.receive(stream, acceptHandler),
      busy: events.busy,
      claimed: (clientListener, established) => events.onEstablished(established, "slot", clientListener.id),
    });
  }

  /** Where it listens: at `<name>`, with the real port. */
  get address(): string {
    const { name, transport } = this.#options;
    return this.#listeners[0]?.address ?? transport.address(name, NAME);
  }

  /** Opens them; closes what is open when one cannot be opened. */
  async open(): Promise<void> {
    const { signal, authorize } = this.#options;
    try {
      // The first id is a slot's, and that slot listens before anybody can ask.
      await this.clientListeners.prepare(signal);
      await this.#open(NAME, this.#sharesAddress ? "either" : "shared", authorize);
      // Who asks for an id is no client yet.
      if (!this.#sharesAddress) await this.#open(MANAGER, "manager", () => true);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  setReferenced(referenced: boolean): void {
    this.acceptor.setReferenced(referenced);
    this.clientListeners.setReferenced(referenced);
    for (const listener of this.#listeners) {
      if (referenced) listener.ref();
      else listener.unref();
    }
  }

  /** Rejects with what a listener fails with; all are closed then, too. */
  async close(): Promise<void> {
    this.clientListeners.close();
    this.acceptor.close();
    const closed = await Promise.allSettled(this.#listeners.map((listener) => listener.close()));
    for (const result of closed) if (result.status === "rejected") throw result.reason;
  }

  async #open(endpoint: Endpoint, by: EndpointKind, authorize: AcceptHandler["authorize"]): Promise<void> {
    const { name, transport, signal } = this.#options;
    const acceptHandler: AcceptHandler = {
      address: transport.address(name, endpoint),
      busy: this.#events.busy,
      authorize,
      onEstablished: (established) =>
        this.#events.onEstablished(established, by, by === "manager" ? 0 : this.#ids.nextShared()),
    };
    const listener = await transport.listen(
      name,
      endpoint,
      (stream: Duplex) => this.acceptor.receive(stream, acceptHandler),
      {
        ...(signal && { signal }),
        onLost: (error) => this.#events.lost(error),
      },
    );
    this.#listeners.push(listener);
  }
}
