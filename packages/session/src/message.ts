import type { AbortOptions } from "@ipc/transport";
import type { OpenSteps } from "./open-steps.js";
import type { ConnectionSecurity } from "./security.js";

/** Type 0 is reserved: Go drops such messages silently in both directions. @see golang-ipc actor.go, `Write` and `read` */
export const CONTROL_TYPE = 0;

/** Memory that a queued message costs besides its data, in bytes: the objects that hold it. */
export const MESSAGE_OVERHEAD_BYTES = 160;

/** Options of `write` and `flush`. */
export interface WriteOptions extends AbortOptions {
  /**
   * "taken": resolves only when the other application has the message: its `read` has resolved, its iteration has asked for the next
   * one, or its listeners have returned and their promises have settled. Needs `resume` on both sides; otherwise rejects at once with
   * IPC_NOT_RESUMABLE. If the session ends before, it rejects with the error of the event `lost`.
   */
  readonly until?: "taken";
}

/** A message from the peer. */
export interface DataMessage {
  readonly kind: "data";
  /** 1 … 2^32-1, chosen by the sender. */
  readonly type: number;
  /** A view into a receive buffer, which it keeps alive: copy a small message to keep it for long. */
  readonly data: Uint8Array;
  /** Decodes the data as UTF-8; malformed bytes become U+FFFD. */
  text(): string;
  /** Parses the data as JSON. @throws SyntaxError */
  json(): unknown;
  /** Security of the connection that the message came over. */
  readonly security: ConnectionSecurity;
  /** The address of the peer that sent the message, as in `Peer.remote`. */
  readonly remote: string;
  /**
   * Sends a message to the peer that sent this one, over the same connection or another one of the same session; otherwise like
   * `Peer.write`. Rejects with IPC_CONNECTION_LOST when that connection or session has ended, also while another one is there.
   */
  reply(type: number, data: string | Uint8Array, options?: WriteOptions): Promise<void>;
}

/** A status change of the connection, delivered in order with the messages. */
export interface StatusMessage {
  readonly kind: "status";
  readonly type: -1;
  readonly status: Status;
}

/** The default result of `readTimed` after its timeout. */
export interface TimeoutMessage {
  readonly kind: "timeout";
  readonly type: 2;
}

/** The only TimeoutMessage; compare with `===`. @see golang-ipc actor.go, `TimeoutMessage` */
export const timeoutMessage: TimeoutMessage = Object.freeze({ kind: "timeout", type: 2 });

/** The connection that messages came over: one object for all of them. */
export interface MessageOrigin {
  readonly security: ConnectionSecurity;
  readonly remote: string;
  readonly steps: OpenSteps;
  /** Why the connection has ended; undefined while it is there, and if this side ended it. */
  readonly loss: Error | undefined;
  /** Like `Peer.write`, over this connection only. */
  reply(type: number, data: string | Uint8Array, options: WriteOptions | undefined): Promise<void>;
}

/** A message received from the wire. */
export class ReceivedMessage implements DataMessage {
  readonly kind = "data";
  readonly type: number;
  readonly data: Uint8Array;
  // Private, so that an inspected message does not show its connection.
  readonly #origin: MessageOrigin;

  constructor(type: number, data: Uint8Array, origin: MessageOrigin) {
    this.type = type;
    this.data = data;
    this.#origin = origin;
  }

  /** Returns the connection that a message came over. */
  static originOf(message: DataMessage): MessageOrigin {
    // The library makes no other data messages.
    return (message as ReceivedMessage).#origin;
  }

  /** Returns the steps that handle messages of the same connection. */
  static stepsOf(message: DataMessage): OpenSteps {
    return (message as ReceivedMessage).#origin.steps;
  }

  /** Returns the same message with `data`. */
  withData(data: Uint8Array): ReceivedMessage {
    return new ReceivedMessage(this.type, data, this.#origin);
  }

  text(): string {
    return Buffer.from(this.data.buffer, this.data.byteOffset, this.data.byteLength).toString("utf8");
  }

  json(): unknown {
    return JSON.parse(this.text());
  }

  get security(): ConnectionSecurity {
    return this.#origin.security;
  }

  get remote(): string {
    return this.#origin.remote;
  }

  reply(type: number, data: string | Uint8Array, options?: WriteOptions): Promise<void> {
    return this.#origin.reply(type, data, options);
  }
}

/** Status of a connection, in golang-ipc's words. */
export type Status =
  | "Not Connected"
  | "Listening"
  | "Connecting"
  | "Connected"
  | "Reconnecting"
  | "Closed"
  | "Closing"
  | "Error"
  | "Timeout"
  | "Disconnected";

/** golang-ipc's status numbers. @see golang-ipc types.go, `Status` */
const CODES: Readonly<Record<Status, number>> = {
  "Not Connected": 0,
  Listening: 1,
  Connecting: 2,
  Connected: 3,
  Reconnecting: 4,
  Closed: 5,
  Closing: 6,
  Error: 7,
  Timeout: 8,
  Disconnected: 9,
};

/** Returns golang-ipc's number for a status, 0 … 9. */
export function statusCode(status: Status): number {
  return CODES[status];
}

/** Whether this runtime can mark memory: Deno and Bun have the function and may not implement it. */
let canMark = true;
/** Loaded when a client needs it, because many do not and would wait for it. */
let markAsUntransferable: ((buffer: ArrayBufferLike) => void) | undefined;

/**
 * Keeps memory with more than one message in it from being transferred to another thread: a listener that passes on one message
 * would take the others along. Node.js 20 then copies it, later versions throw a DataCloneError.
 */
export function markShared(buffer: ArrayBufferLike): void {
  if (!canMark) return;
  try {
    markAsUntransferable ??= process.getBuiltinModule("node:worker_threads").markAsUntransferable;
    markAsUntransferable(buffer);
  } catch {
    canMark = false;
  }
}
