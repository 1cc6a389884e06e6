import type { AcceptHandler } from "@ipc/server/internal";
import { SessionError } from "@ipc/session";
import { type EstablishedConnection, startTimeLimit, type TimeLimit } from "@ipc/session/internal";
import type { Listener } from "@ipc/transport";

/** How long a slot stays after its client has gone, in milliseconds: a golang-ipc client redials its slot. */
const KEPT_MS = 30_000;

export interface SlotEvents {
  /** Returns the reason to reject clients at the moment, or undefined. */
  readonly busy: () => SessionError | undefined;
  readonly authorize: AcceptHandler["authorize"];
  readonly resume: AcceptHandler["resume"];
  /** A client has connected: the first one, or a golang-ipc client that is back. */
  readonly claimed: (slot: Slot, established: EstablishedConnection) => void;
  /** The slot has stopped listening. */
  readonly closed: (slot: Slot) => void;
  readonly closeFailed: (error: unknown) => void;
}

/**
 * `waiting`: for the client that was given the id. `taken`: that client is connected, and every other one is told that the
 * server is busy; the slot still listens, so that no other process can take its name. `left`: the client has gone, and is
 * accepted again if it is a golang-ipc client. An @ipc client never comes back to a slot, because it requests a new id.
 */
type SlotState = "waiting" | "taken" | "left" | "closed";

/**
 * One slot of golang-ipc's id protocol: listens at `<name><id>` for one client.
 * @see docs/adr/0009-a-slot-stays-as-long-as-its-client.md
 */
export class Slot {
  readonly id: number;
  readonly #events: SlotEvents;
  #state: SlotState = "waiting";
  #listener: Listener | undefined;
  #limit: TimeLimit | undefined;
  #missed: ((error?: SessionError) => void) | undefined;

  constructor(id: number, events: SlotEvents) {
    this.id = id;
    this.#events = events;
  }

  get state(): SlotState {
    return this.#state;
  }

  /** Returns how to handle a stream that is accepted now. */
  get acceptHandler(): AcceptHandler {
    const state = this.#state;
    const isFree = state === "waiting" || state === "left";
    return {
      address: this.#listener?.address ?? "",
      // The state may change during the handshake: the first client to complete it has the slot.
      busy: () => (isFree && this.#state === state ? this.#events.busy() : slotTakenError(this.id)),
      golangIpcOnly: state === "left",
      authorize: this.#events.authorize,
      resume: this.#events.resume,
      onEstablished: (established) => this.#claim(established),
    };
  }

  opened(listener: Listener): void {
    // The manager's own listeners keep the process alive.
    listener.unref();
    this.#listener = listener;
    if (this.#state === "closed") this.#closeListener();
  }

  /** Closes the slot and calls `missed` if its client has not connected within `ms` milliseconds. */
  expectWithin(ms: number, missed: (error?: SessionError) => void): void {
    // Its client may have been quicker than the caller, or the slot may have been closed to make room.
    if (this.#state !== "waiting") return;
    this.#missed = missed;
    this.#limit = startTimeLimit(ms, () => {
      this.close();
      missed();
    });
  }

  /** The client has gone: keeps the slot for a golang-ipc client that redials it. */
  leave(): void {
    this.#state = "left";
    this.#limit = startTimeLimit(KEPT_MS, () => this.close());
  }

  /** Closes the slot early; reports `error` as the reason if it still waits for its first client. */
  giveUp(error: SessionError): void {
    this.close();
    this.#missed?.(error);
  }

  /** Stops listening and removes the socket file; a connected client stays. Idempotent. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#limit?.cancel();
    this.#closeListener();
    this.#events.closed(this);
  }

  #claim(established: EstablishedConnection): void {
    if (established.outcome.resume?.answer?.how === "resumed") {
      // The session goes on under its own id, so this one is free.
      this.#missed = undefined;
      this.close();
      this.#events.claimed(this, established);
      return;
    }
    this.#state = "taken";
    this.#limit?.cancel();
    this.#missed = undefined;
    this.#events.claimed(this, established);
  }

  #closeListener(): void {
    this.#listener?.close().catch((error: unknown) => this.#events.closeFailed(error));
  }
}

function slotTakenError(id: number): SessionError {
  return new SessionError(
    "IPC_SERVER_BUSY",
    `slot ${id} is taken: its client has connected, or its time is over; request a new id`,
  );
}
