import type { AcceptHandler } from "@ipc/server/internal";
import { SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import type { Listener } from "@ipc/transport";

export interface SlotEvents {
  /** Returns the reason to reject clients at the moment, or undefined. */
  readonly busy: () => SessionError | undefined;
  readonly authorize: AcceptHandler["authorize"];
  /** The client has connected; the listener is closed already. */
  readonly claimed: (slot: Slot, established: EstablishedConnection) => void;
  /** The listener has stopped listening. */
  readonly closed: (slot: Slot) => void;
  readonly closeFailed: (slot: Slot, error: unknown) => void;
}

/** One slot of golang-ipc's id protocol: listens for one client at `<name><id>` until that client has connected. */
export class Slot {
  readonly id: number;
  readonly #events: SlotEvents;
  #listener: Listener | undefined;
  #address = "";
  #timer: NodeJS.Timeout | undefined;
  #missed: ((error?: SessionError) => void) | undefined;
  #isClosed = false;

  constructor(id: number, events: SlotEvents) {
    this.id = id;
    this.#events = events;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get acceptHandler(): AcceptHandler {
    return {
      address: this.#address,
      busy: () => (this.#isClosed ? slotTakenError(this.id) : this.#events.busy()),
      authorize: this.#events.authorize,
      onEstablished: (established) => {
        // Close only now: a client checks the socket file once more after it has connected.
        this.close();
        this.#events.claimed(this, established);
      },
    };
  }

  opened(listener: Listener): void {
    this.#listener = listener;
    this.#address = listener.address;
    if (this.#isClosed) this.#closeListener();
  }

  /** Closes the listener and calls `missed` if its client has not connected within `ms` milliseconds. */
  expectWithin(ms: number, missed: (error?: SessionError) => void): void {
    this.#missed = missed;
    this.#timer = setTimeout(() => {
      this.close();
      missed();
    }, ms).unref();
  }

  /** Closes the listener early and reports `error` as the reason. */
  giveUp(error: SessionError): void {
    this.close();
    this.#missed?.(error);
  }

  setReferenced(referenced: boolean): void {
    if (referenced) this.#listener?.ref();
    else this.#listener?.unref();
  }

  /** Stops listening and removes the socket file. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#closeListener();
    this.#events.closed(this);
  }

  #closeListener(): void {
    this.#listener?.close().catch((error: unknown) => this.#events.closeFailed(this, error));
  }
}

function slotTakenError(id: number): SessionError {
  return new SessionError(
    "IPC_SERVER_BUSY",
    `slot ${id} is closed: its client has connected, or its time is over; request a new id`,
  );
}
