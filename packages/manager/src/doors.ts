import type { Duplex } from "node:stream";
import { type Entrance, Reception } from "@ipc/server";
import type { Established, IpcError, SessionError } from "@ipc/session";
import type { Door, Listener, TransportError } from "@ipc/transport";
import { ClientIds } from "./client-ids.js";
import type { ResolvedManagerOptions } from "./manager-options.js";
import { Slots } from "./slots.js";

/**
 * Handshakes under way at once: as many as a system's queue of connections lets in together. One that is dropped dials again
 * at once, which costs more than letting it wait for its turn.
 */
const MAX_HANDSHAKES = 4_096;

const NAME: Door = { kind: "name" };
const MANAGER: Door = { kind: "manager" };

/** By which door somebody came. `either`: where they are one, his first message tells. */
export type CameBy = "shared" | "manager" | "either" | "slot";

export interface DoorEvents {
  readonly busy: () => SessionError | undefined;
  /** `id`: what he is known by from now on; 0 for somebody who came to ask for one. */
  readonly arrived: (established: Established, by: CameBy, id: number) => void;
  readonly refused: (error: IpcError) => void;
  readonly lost: (error: TransportError) => void;
}

/**
 * The doors of a manager: `<name>` for any number of clients; `<name>_manager`, where golang-ipc's clients ask for an id; and
 * a slot, `<name><id>`, for each that has got one.
 */
export class Doors {
  readonly slots: Slots;
  readonly reception: Reception;
  readonly #options: ResolvedManagerOptions;
  readonly #events: DoorEvents;
  readonly #ids: ClientIds;
  readonly #isOneDoor: boolean;
  readonly #listeners: Listener[] = [];

  constructor(options: ResolvedManagerOptions, events: DoorEvents) {
    this.#options = options;
    this.#events = events;
    const { name, transport, logger, authorize } = options;
    this.#isOneDoor = transport.address(name, NAME) === transport.address(name, MANAGER);
    this.#ids = new ClientIds(this.#isOneDoor);
    this.reception = new Reception({ ...options, maxHandshakes: MAX_HANDSHAKES, refused: events.refused });
    this.slots = new Slots({
      name,
      transport,
      logger,
      authorize,
      ids: this.#ids,
      receive: (stream, entrance) => this.reception.receive(stream, entrance),
      busy: events.busy,
      claimed: (slot, established) => events.arrived(established, "slot", slot.id),
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
      await this.slots.prepare(signal);
      await this.#open(NAME, this.#isOneDoor ? "either" : "shared", authorize);
      // Who asks for an id is no client yet.
      if (!this.#isOneDoor) await this.#open(MANAGER, "manager", () => true);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  setReferenced(referenced: boolean): void {
    this.reception.setReferenced(referenced);
    this.slots.setReferenced(referenced);
    for (const listener of this.#listeners) {
      if (referenced) listener.ref();
      else listener.unref();
    }
  }

  /** Rejects with what a listener fails with; all are closed then, too. */
  async close(): Promise<void> {
    this.slots.close();
    this.reception.close();
    const closed = await Promise.allSettled(this.#listeners.map((listener) => listener.close()));
    for (const result of closed) if (result.status === "rejected") throw result.reason;
  }

  async #open(door: Door, by: CameBy, authorize: Entrance["authorize"]): Promise<void> {
    const { name, transport, signal } = this.#options;
    const entrance: Entrance = {
      address: transport.address(name, door),
      busy: this.#events.busy,
      authorize,
      arrived: (established) => this.#events.arrived(established, by, by === "manager" ? 0 : this.#ids.nextShared()),
    };
    const listener = await transport.listen(name, door, (stream: Duplex) => this.reception.receive(stream, entrance), {
      ...(signal && { signal }),
      onLost: (error) => this.#events.lost(error),
    });
    this.#listeners.push(listener);
  }
}
