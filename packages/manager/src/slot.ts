import type { Entrance } from "@ipc/server";
import { type Established, SessionError } from "@ipc/session";
import type { Listener } from "@ipc/transport";

export interface SlotEvents {
  /** Why nobody is let in just now. */
  readonly busy: () => SessionError | undefined;
  readonly authorize: Entrance["authorize"];
  /** Its client is there. It listens no more. */
  readonly claimed: (slot: Slot, established: Established) => void;
  /** It listens no more. */
  readonly freed: (slot: Slot) => void;
  readonly closeFailed: (slot: Slot, error: unknown) => void;
}

/** One place of golang-ipc's id protocol: listens for one client at `<name><id>`, until that one is there. */
export class Slot {
  readonly id: number;
  readonly #events: SlotEvents;
  #listener: Listener | undefined;
  #address = "";
  #timer: NodeJS.Timeout | undefined;
  #missed: ((error?: SessionError) => void) | undefined;
  #isFree = false;

  constructor(id: number, events: SlotEvents) {
    this.id = id;
    this.#events = events;
  }

  get isFree(): boolean {
    return this.#isFree;
  }

  get entrance(): Entrance {
    return {
      address: this.#address,
      busy: () => (this.#isFree ? takenError(this.id) : this.#events.busy()),
      authorize: this.#events.authorize,
      arrived: (established) => {
        // Its file stays until here: a client looks at it once more when it is connected.
        this.free();
        this.#events.claimed(this, established);
      },
    };
  }

  opened(listener: Listener): void {
    this.#listener = listener;
    this.#address = listener.address;
    if (this.#isFree) this.#close();
  }

  /** Frees it after `ms` milliseconds without its client, and says so. */
  expectWithin(ms: number, missed: (error?: SessionError) => void): void {
    this.#missed = missed;
    this.#timer = setTimeout(() => {
      this.free();
      missed();
    }, ms).unref();
  }

  /** Frees it before its time, and says why. */
  giveUp(error: SessionError): void {
    this.free();
    this.#missed?.(error);
  }

  setReferenced(referenced: boolean): void {
    if (referenced) this.#listener?.ref();
    else this.#listener?.unref();
  }

  /** Closes its listener, which removes its socket file. Idempotent. */
  free(): void {
    if (this.#isFree) return;
    this.#isFree = true;
    clearTimeout(this.#timer);
    this.#close();
    this.#events.freed(this);
  }

  #close(): void {
    this.#listener?.close().catch((error: unknown) => this.#events.closeFailed(this, error));
  }
}

function takenError(id: number): SessionError {
  return new SessionError("IPC_SERVER_BUSY", `slot ${id} has its client, or was given up; ask for a new id`);
}
