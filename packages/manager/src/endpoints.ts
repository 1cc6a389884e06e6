import type { Duplex } from "node:stream";
import { type AcceptHandler, HandshakeAcceptor, type KeyRing } from "@ipc/server/internal";
import type { IpcError, SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import type { Endpoint, Listener, TransportError } from "@ipc/transport";
import type { ResolvedManagerOptions } from "./manager-options.js";
import { Slots } from "./slots.js";

/**
 * Handshakes in progress at once: as many as the kernel's accept queue delivers together. A dropped client dials again at once,
 * which costs more than letting it wait.
 */
const MAX_HANDSHAKES = 4_096;

const NAME: Endpoint = { kind: "name" };
const MANAGER: Endpoint = { kind: "manager" };

export interface EndpointEvents {
  /** Whether and how clients resume their sessions. */
  readonly resume: AcceptHandler["resume"];
  readonly busy: () => SessionError | undefined;
  /** `id`: the id of the connection from now on; 0 for one at the manager endpoint, which is there to request an id. */
  readonly onEstablished: (established: EstablishedConnection, by: Endpoint["kind"], id: number) => void;
  readonly refused: (error: IpcError) => void;
  readonly lost: (error: TransportError) => void;
  readonly relisted: (address: string) => void;
  /** The transport has had its only connection: no client can connect any more. */
  readonly ended: () => void;
}

/**
 * The endpoints of a manager: `<name>` for any number of clients; `<name>_manager`, where golang-ipc's clients request an id;
 * and a slot, `<name><id>`, for each client that has received one. A transport that has one address for the first two, such as
 * TCP, has the name only.
 */
export class Endpoints {
  readonly slots: Slots;
  readonly acceptor: HandshakeAcceptor;
  readonly #options: ResolvedManagerOptions;
  readonly #events: EndpointEvents;
  /** Those that are open. */
  readonly #listeners: Listener[] = [];
  /** The first endpoint's, once it has been open. */
  #address: string | undefined;
  #lastId = 0;

  constructor(options: ResolvedManagerOptions, keys: KeyRing, events: EndpointEvents) {
    this.#options = options;
    this.#events = events;
    const { name, transport, logger, authorize } = options;
    const { refused } = events;
    this.acceptor = new HandshakeAcceptor({ ...options, keys, maxHandshakes: MAX_HANDSHAKES, refused });
    this.slots = new Slots({
      name,
      transport,
      logger,
      authorize,
      resume: events.resume,
      nextId: () => this.#nextId(),
      receive: (stream, acceptHandler) => this.acceptor.receive(stream, acceptHandler),
      busy: events.busy,
      claimed: (slot, established) => events.onEstablished(established, "slot", slot.id),
    });
  }

  /** The address of the endpoint `<name>`, with the real port. */
  get address(): string {
    const { name, transport } = this.#options;
    return this.#address ?? transport.address(name, NAME);
  }

  /** Opens all endpoints; if one cannot be opened, closes the others. */
  async open(): Promise<void> {
    const { name, transport, authorize } = this.#options;
    const givesIds = transport.address(name, NAME) !== transport.address(name, MANAGER);
    try {
      await this.#open(NAME, authorize, this.#events.resume);
      // A connection that requests an id is not a client yet, so it is not authorized here.
      if (givesIds) await this.#open(MANAGER, () => true);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  setReferenced(referenced: boolean): void {
    for (const listener of this.#listeners) {
      if (referenced) listener.ref();
      else listener.unref();
    }
  }

  /** Closes every open listener; rejects with the error of the first that failed, after all are closed. */
  async close(): Promise<void> {
    this.slots.close();
    this.acceptor.close();
    const closed = await Promise.allSettled(this.#listeners.splice(0).map((listener) => listener.close()));
    for (const result of closed) if (result.status === "rejected") throw result.reason;
  }

  #nextId(): number {
    this.#lastId++;
    return this.#lastId;
  }

  async #open(
    endpoint: Endpoint,
    authorize: AcceptHandler["authorize"],
    resume?: AcceptHandler["resume"],
  ): Promise<void> {
    const { name, transport, signal } = this.#options;
    const acceptHandler: AcceptHandler = {
      address: transport.address(name, endpoint),
      busy: this.#events.busy,
      authorize,
      resume,
      onEstablished: (established) =>
        this.#events.onEstablished(established, endpoint.kind, endpoint.kind === "manager" ? 0 : this.#nextId()),
    };
    const listener = await transport.listen(
      name,
      endpoint,
      (stream: Duplex) => this.acceptor.receive(stream, acceptHandler),
      {
        ...(signal && { signal }),
        instance: this.acceptor.instance,
        onLost: (error) => this.#events.lost(error),
        onRelisted: () => this.#events.relisted(acceptHandler.address),
        onEnded: () => this.#events.ended(),
      },
    );
    this.#address ??= listener.address;
    this.#listeners.push(listener);
  }
}
