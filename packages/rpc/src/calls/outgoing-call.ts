import type { ConnectionSecurity } from "@ipc/session";
import type { CallFailed } from "../call-failed.js";
import type { Expiring } from "../deadline.js";
import type { Caller, WriteWatcher } from "../link/link.js";
import { ipcCodeOf, isRefusal, RpcError, writeError } from "../rpc-error.js";
import type { ItemQueue } from "../streams/item-queue.js";
import type { ItemSender } from "../streams/item-sender.js";
import { addAbortListener, removeAbortListener } from "./abort-listeners.js";

/** From this length on, a write resolves only when the kernel has the frame, in bytes; with a margin for the header. */
const LARGE_BYTES = 32_768;

/** How a call has ended. */
export type CallEnd = "answered" | "cancelled" | "expired";

/** The owner of a call: the table of calls. */
export interface CallOwner {
  /** Forgets a call that has settled. @param end `cancelled`: the other side is told; `expired`: it knows the deadline itself */
  readonly settled: (call: OutgoingCall, end: CallEnd) => void;
  /** The connection that a call was sent over has ended. */
  readonly lost: (call: OutgoingCall, error: RpcError) => void;
}

export interface OutgoingCallStart {
  readonly id: number;
  readonly method: string;
  readonly frame: Buffer;
  readonly isRepeatable: boolean;
  /** The other side of the connection that the call is made for. */
  readonly caller: Caller;
  readonly signal: AbortSignal | undefined;
}

/**
 * A call that this side has made. It settles once: by an answer, its signal, its deadline, or the end of its connection.
 *
 * `isAccepted`: whether the peer has accepted the frame, so that it may have reached the other side.
 */
export class OutgoingCall implements Expiring, WriteWatcher {
  readonly id: number;
  readonly method: string;
  readonly promise: Promise<unknown>;
  /** Whether the call may be sent again over the next connection. */
  isRepeatable: boolean;
  /** The encoded call; dropped when it is no longer needed. */
  frame: Buffer | undefined;
  /** The security of the connection that the call was made for. */
  readonly security: ConnectionSecurity;
  /** The other side of the connection that the call was sent over last. */
  caller: Caller;
  /** That connection, if it was a later one than the statuses had come to. */
  ahead: number | undefined;
  isAccepted = false;
  /** Whether the call waits to be sent: for the next connection, or at first. */
  isWaiting = true;
  /** Whether the method may have run already: by way of an earlier connection, or until the other side closed. */
  mayHaveRun = false;
  /** Whether the method has run, because it has given an item. */
  hasGiven = false;
  /** Items that the other side gives, and items for it. */
  received: ItemQueue | undefined;
  sender: ItemSender | undefined;
  /** The deadline by `performance.now()`; Infinity for none. */
  endsAt: number = Number.POSITIVE_INFINITY;
  timeoutMs = 0;
  /** How a call that waits for the next connection ends, if the one that has refused it is still there at `until`. */
  refusal: { readonly error: CallFailed; readonly until: number } | undefined;
  /** Bytes of the result. */
  resultBytes = 0;
  /** Whether the other side knows the deadline, and ends the call itself. */
  isDeadlineSent = false;
  /** Whether the deadline is that of the handler that has made the call. */
  isDeadlineInherited = false;
  readonly #owner: CallOwner;
  readonly #signal: AbortSignal | undefined;
  /** Made only for a signal, because a closure for each call costs more than most of the rest. */
  #onAbort: (() => void) | undefined;
  #isSettled = false;
  /** Set when the connection ended before it was known whether the peer had accepted the frame. */
  #loss: RpcError | undefined;
  #resolve!: (value: unknown) => void;
  #reject!: (error: unknown) => void;

  constructor(start: OutgoingCallStart, owner: CallOwner) {
    this.id = start.id;
    this.method = start.method;
    this.frame = start.frame;
    this.isRepeatable = start.isRepeatable;
    this.security = start.caller.security;
    this.caller = start.caller;
    this.#owner = owner;
    this.#signal = start.signal;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (start.signal !== undefined) {
      this.#onAbort = () => this.abort();
      addAbortListener(start.signal, this.#onAbort);
    }
  }

  get expiresAt(): number {
    return this.refusal === undefined ? this.endsAt : Math.min(this.refusal.until, this.endsAt);
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** A frame that waits in the write queue may still be sent, so only a call that waits for a connection has surely not run. */
  get executed(): "no" | "maybe" {
    return this.isWaiting && !this.mayHaveRun ? "no" : "maybe";
  }

  resolve(value: unknown): void {
    if (!this.#settle("answered")) return;
    this.received?.end();
    this.#resolve(value);
  }

  /** Ends the call with the other side's answer; items that arrived before it are still delivered. */
  reject(error: unknown): void {
    if (!this.#settle("answered")) return;
    this.received?.fail(error);
    this.#reject(error);
  }

  /** Ends the call from this side: items that have arrived are dropped, and the other side is told. */
  cancel(error: unknown): void {
    this.#abandon("cancelled", error);
  }

  expire(): void {
    if (this.refusal !== undefined && this.refusal.until < this.endsAt) this.reject(this.refusal.error);
    else this.#abandon(this.isDeadlineSent ? "expired" : "cancelled", this.timeoutError());
  }

  timeoutError(): RpcError {
    const within = this.isDeadlineInherited
      ? `the ${this.timeoutMs} ms that were left of the calling handler's deadline`
      : `${this.timeoutMs} ms; raise \`timeoutMs\`, or look at the handler`;
    return new RpcError("IPC_TIMED_OUT", this.executed, `${this.method}: no answer within ${within}`);
  }

  /** The connection has ended. If the peer has not accepted the frame yet, it tells next whether it ever will. */
  lose(error: RpcError): void {
    if (this.isAccepted) this.#owner.lost(this, error);
    else this.#loss = error;
  }

  onWritten(): void {
    this.isAccepted = true;
    const loss = this.#loss;
    this.#loss = undefined;
    if (loss !== undefined && !this.#isSettled) this.#owner.lost(this, loss);
  }

  onWriteFailed(error: unknown): void {
    if (this.#isSettled) return;
    // The next write is another one.
    this.#loss = undefined;
    const code = ipcCodeOf(error);
    const isLost = !isRefusal(code);
    // The peer may have accepted a large frame before its write rejected.
    if (isLost && code !== "IPC_NOT_CONNECTED" && this.isLarge) this.mayHaveRun = true;
    const failure = writeError(this.method, error, this.mayHaveRun ? "maybe" : "no");
    if (isLost) this.#owner.lost(this, failure);
    else this.reject(failure);
  }

  get isLarge(): boolean {
    return this.frame !== undefined && this.frame.length >= LARGE_BYTES;
  }

  #abandon(end: CallEnd, error: unknown): void {
    if (!this.#settle(end)) return;
    this.received?.abort(error);
    this.#reject(error);
  }

  #settle(end: CallEnd): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    if (this.#signal !== undefined && this.#onAbort !== undefined) removeAbortListener(this.#signal, this.#onAbort);
    this.sender?.stop();
    this.#owner.settled(this, end);
    this.frame = undefined;
    return true;
  }

  abort(): void {
    const message = `${this.method}: aborted by its signal`;
    this.cancel(new RpcError("IPC_ABORTED", this.executed, message, { cause: this.#signal?.reason }));
  }
}
