import type { ConnectionSecurity } from "@ipc/session";
import { CallFailed, executedOf, type ReservedCode } from "../call-failed.js";
import { ExpiryTimer } from "../deadline.js";
import { messageOf } from "../format-value.js";
import { CALL_TIMEOUT_MS } from "../limits.js";
import type { Link, LossReason } from "../link/link.js";
import type { SessionLoss } from "../link/session-losses.js";
import { isExecuted, RpcError } from "../rpc-error.js";
import { encodeFrame, type Frame, KIND, setNumber } from "../wire/frame.js";
import { decodeValue } from "../wire/payload.js";
import { CallIds } from "./call-ids.js";
import { type CallEnd, type CallOwner, OutgoingCall, type OutgoingCallStart } from "./outgoing-call.js";

/** Largest deadline on the wire, in milliseconds. */
const MAX_DEADLINE_MS = 0xffff_ffff;

/** Calls that this side has made over one peer. */
export class CallTable implements CallOwner {
  readonly #link: Link;
  readonly #ids: CallIds;
  readonly #calls = new Map<number, OutgoingCall>();
  readonly #expiry = new ExpiryTimer(() => this.#calls.values());
  /** Called when no call is left. */
  onIdle: (() => void) | undefined;

  constructor(link: Link) {
    this.#link = link;
    this.#ids = new CallIds(link.side);
  }

  get size(): number {
    return this.#calls.size;
  }

  takeId(): number {
    return this.#ids.take(this.#calls);
  }

  /** Creates a call; `send` sends it. */
  create(start: OutgoingCallStart): OutgoingCall {
    const call = new OutgoingCall(start, this);
    this.#calls.set(call.id, call);
    // A signal that has aborted does not fire again; the code that encoded the input may have aborted it.
    if (start.signal?.aborted === true) call.abort();
    return call;
  }

  /** Starts the clock of a call. @param endsAt by `performance.now()`; Infinity for none */
  setDeadline(call: OutgoingCall, endsAt: number, timeoutMs: number): void {
    call.endsAt = endsAt;
    call.timeoutMs = timeoutMs;
    if (endsAt !== Number.POSITIVE_INFINITY) this.#expiry.include(endsAt);
  }

  send(call: OutgoingCall): void {
    const { frame } = call;
    if (frame === undefined) return;
    if (this.#link.isOtherDraining) {
      this.#refused(call, drainingError(call.method));
      return;
    }
    call.isWaiting = false;
    call.caller = this.#link.caller;
    call.ahead = this.#link.ahead;
    call.isAccepted = this.#link.send(frame, call);
    // Only a call that may be repeated needs its frame again; a large one, to know what a failed write means.
    if (call.isAccepted && !call.isRepeatable) call.frame = undefined;
  }

  settled(call: OutgoingCall, end: CallEnd): void {
    this.#calls.delete(call.id);
    if (end !== "answered" && !call.isWaiting) {
      this.#ids.hold(call.id);
      if (end === "cancelled") this.#link.sendNow(encodeFrame({ kind: KIND.cancel, id: call.id }));
    }
    if (this.#calls.size === 0) this.onIdle?.();
  }

  lost(call: OutgoingCall, error: RpcError): void {
    if (call.isSettled) return;
    if (call.isAccepted) call.mayHaveRun = true;
    const { redials, canSend } = this.#link;
    if (!(call.isRepeatable && redials)) {
      call.reject(error);
      return;
    }
    this.#wait(call);
    // A late message's connection has ended before, so the next one may be there by now, and nothing else repeats the call.
    if (canSend && !this.#link.isHere(call.caller)) this.#repeat(call);
  }

  /** The connection has ended, or its session; calls that may be repeated wait for the next one. */
  connectionLost(error: LossReason, loss: SessionLoss | undefined): void {
    this.#ids.forget();
    const { ahead } = this.#link;
    for (const call of this.#calls.values()) {
      if (call.isWaiting) call.refusal = undefined;
      else if (ahead !== undefined && call.ahead === ahead) continue;
      else if (loss?.undelivered.has(call.id) === true) {
        call.isAccepted = false;
        this.lost(call, error(call.method, call.mayHaveRun ? "maybe" : "no"));
      } else call.lose(error(call.method, loss !== undefined && call.hasGiven ? "yes" : "maybe"));
    }
  }

  /** Repeats the calls that wait. */
  connected(): void {
    for (const call of this.#calls.values()) if (call.isWaiting) this.#repeat(call);
  }

  /** Rejects the calls that wait for a connection, because none follows. */
  endWaiting(error: (call: OutgoingCall) => RpcError): void {
    for (const call of this.#calls.values()) if (call.isWaiting) call.reject(error(call));
  }

  /** Rejects every call, because no connection follows. */
  end(error: LossReason): void {
    for (const call of this.#calls.values()) call.reject(error(call.method, call.executed));
    this.#expiry.stop();
  }

  /** Ends every call from this side. */
  cancelAll(error: (call: OutgoingCall) => RpcError): void {
    for (const call of this.#calls.values()) call.cancel(error(call));
    this.#expiry.stop();
  }

  /** Handles a frame for a call of this side; unknown ids and kinds are ignored. */
  receive(frame: Frame): void {
    const call = this.#calls.get(frame.id);
    if (call === undefined) {
      if (frame.kind === KIND.result || frame.kind === KIND.error) this.#ids.release(frame.id);
      return;
    }
    switch (frame.kind) {
      case KIND.result:
        this.#complete(call, frame);
        break;
      case KIND.error:
        this.#fail(call, frame);
        break;
      case KIND.item:
        this.#receiveItem(call, frame);
        break;
      case KIND.credit:
        call.sender?.credit.grant(frame.number);
    }
  }

  #complete(call: OutgoingCall, frame: Frame): void {
    call.resultBytes = frame.payloadLength;
    let value: unknown;
    try {
      value = decodeValue(frame.codec, frame.data, frame.payloadAt);
    } catch (error) {
      call.reject(failure("ipc.codec", call, `the result cannot be decoded: ${messageOf(error)}`, "yes"));
      return;
    }
    call.resolve(value);
  }

  #fail(call: OutgoingCall, { name: code, codec, payload }: Frame): void {
    if (code === "ipc.deadline" && call.isDeadlineSent) {
      call.reject(call.timeoutError());
      return;
    }
    const { message, data, executed: own } = readFailure(codec, payload);
    const known = isExecuted(own) ? own : executedOf(code);
    if (known !== "no") call.mayHaveRun = true;
    const { method } = call;
    const said = typeof message === "string" && message !== "" ? message : "the other side gave no reason";
    const options = { method, executed: known === "no" && call.mayHaveRun ? "maybe" : known } as const;
    const error = new CallFailed(code, data, { ...options, message: `${method}: ${code}: ${said}` });
    if (code === "ipc.closing") this.#refused(call, error);
    else call.reject(error);
  }

  /** The other side takes no new calls: one that may be repeated waits for the next connection, if that comes soon. */
  #refused(call: OutgoingCall, error: CallFailed): void {
    if (!(call.isRepeatable && this.#link.redials)) {
      call.reject(error);
      return;
    }
    this.#wait(call);
    call.refusal = { error, until: performance.now() + CALL_TIMEOUT_MS };
    this.#expiry.include(call.expiresAt);
  }

  #receiveItem(call: OutgoingCall, { codec, payload }: Frame): void {
    if (call.received === undefined) return;
    call.isRepeatable = false;
    call.hasGiven = true;
    const code = call.received.receive(codec, payload);
    if (code !== undefined) call.cancel(failure(code, call, OVERFLOW[code], "maybe"));
  }

  #wait(call: OutgoingCall): void {
    call.isWaiting = true;
    call.isAccepted = false;
  }

  /** Repeats a call, if the new connection's peer has proved at least as much as that of the old one. */
  #repeat(call: OutgoingCall): void {
    if (!provesAtLeast(this.#link.security, call.security)) {
      const reason = `${call.method}: not repeated, because the new connection's peer has proved less than the old one's`;
      call.reject(new RpcError("IPC_CALL_LOST", call.executed, reason));
      return;
    }
    if (call.frame === undefined) return;
    if (call.isDeadlineSent) setNumber(call.frame, deadlineNumber(call.endsAt));
    this.send(call);
  }
}

/** The deadline of a call as the other side gets it: what is left, in whole milliseconds; 0: none. */
export function deadlineNumber(expiresAt: number): number {
  if (expiresAt === Number.POSITIVE_INFINITY) return 0;
  return wholeMs(expiresAt - performance.now());
}

/** A duration as the other side gets it: at least 1 ms, because 0 stands for none. */
export function wholeMs(ms: number): number {
  return Math.min(Math.max(1, Math.ceil(ms)), MAX_DEADLINE_MS);
}

const OVERFLOW = {
  "ipc.flow": "the other side sent an item without credit, or over 262 144 bytes",
  "ipc.busy": "the streams of this connection have too many unread items",
} as const;

function failure(code: ReservedCode, call: OutgoingCall, reason: string, executed: "maybe" | "yes"): CallFailed {
  return new CallFailed(code, undefined, { method: call.method, executed, message: `${call.method}: ${reason}` });
}

/** The error of a call that is not made, because the other side has announced that it drains. */
export function drainingError(method: string): CallFailed {
  const message = `${method}: not called, because the other side drains; call again over another connection`;
  return new CallFailed("ipc.closing", undefined, { method, message });
}

/** Reads what an ERROR says; a malformed one says nothing. */
function readFailure(
  codec: number,
  payload: Buffer,
): { readonly message?: unknown; readonly data?: unknown; readonly executed?: unknown } {
  try {
    const said = decodeValue(codec, payload);
    return typeof said === "object" && said !== null ? said : {};
  } catch {
    return {};
  }
}

const RANK: Readonly<Record<ConnectionSecurity["mode"], number>> = { plain: 0, compatible: 1, secure: 2 };

/**
 * Returns whether a new connection protects as much as an old one, and its peer has proved as much: only then may a call that
 * was meant for the old peer be sent to the new one.
 */
function provesAtLeast(now: ConnectionSecurity, before: ConnectionSecurity): boolean {
  if (RANK[now.mode] < RANK[before.mode]) return false;
  if (before.peer.psk && !now.peer.psk) return false;
  return before.peer.key === undefined || now.peer.key !== undefined;
}
