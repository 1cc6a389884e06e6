import { CallFailed } from "../call-failed.js";
import { type CallScope, inheritedExpiry } from "../deadline.js";
import { messageOf } from "../format-value.js";
import { CALL_TIMEOUT_MS } from "../limits.js";
import type { Caller, Link } from "../link/link.js";
import { ipcCodeOf, isRefusal, RpcError, writeError } from "../rpc-error.js";
import { ItemQueue, type UnreadItems } from "../streams/item-queue.js";
import { ItemSender, type ItemSource, iteratorOf } from "../streams/item-sender.js";
import { type CallEvent, callChannel, publishEnd, traceOutcome } from "../tracing.js";
import { encodeFrame, encodePassingFrame, FLAG, KIND } from "../wire/frame.js";
import type { Meta } from "../wire/meta.js";
import { encodeValue, lengthOf, type Payload } from "../wire/payload.js";
import { type AnyCallOptions, assertCallOptions, encodeCallMeta, NO_OPTIONS } from "./call-options.js";
import { type CallTable, deadlineNumber, drainingError, wholeMs } from "./call-table.js";
import type { OutgoingCall } from "./outgoing-call.js";
import { StartedStream } from "./started-stream.js";

/** A method to call. */
export interface CallTarget {
  readonly name: string;
  readonly nameBytes: Uint8Array;
  /** `unknown`: of a remote that was made from a type alone. */
  readonly kind: "unary" | "stream" | "unknown";
  readonly takesItems: boolean;
  readonly isIdempotent: boolean;
}

/** The handler that makes a call. */
export interface CallOrigin extends CallScope {
  /** The caller of the handler, for which the call is meant. */
  readonly caller: Caller;
}

export interface CallMakerOptions {
  readonly link: Link;
  readonly table: CallTable;
  readonly unread: UnreadItems;
  readonly windowBytes: number;
  /** Returns the error of a call that may not be made any more. */
  readonly refusal: (method: string) => RpcError | undefined;
}

/** Makes calls: checks the arguments, encodes and sends. */
export class CallMaker {
  readonly #options: CallMakerOptions;

  constructor(options: CallMakerOptions) {
    this.#options = options;
  }

  /** Calls a method; what is wrong with the arguments rejects the result. */
  readonly call = (target: CallTarget, input: unknown, options: unknown, origin?: CallOrigin): Promise<unknown> => {
    try {
      const given = options ?? NO_OPTIONS;
      if (given !== NO_OPTIONS) assertCallOptions(target.name, given);
      const checked = given as AnyCallOptions;
      this.#assertCallable(target.name, origin);
      if (checked.oneWay === true) return this.#sendOneWay(target, input, checked);
      return this.#start(target, input, checked, origin);
    } catch (error) {
      const rejected = Promise.reject(error);
      // Nothing waits for such a call, so its failure must not end the process.
      if ((options as AnyCallOptions | undefined)?.oneWay === true) rejected.catch(ignore);
      return target.kind === "unary" ? rejected : new StartedStream(rejected, this.#failedItems(error));
    }
  };

  /** @throws RpcError IPC_CLOSED, IPC_CALL_LOST */
  #assertCallable(method: string, origin: CallOrigin | undefined): void {
    const { link, refusal } = this.#options;
    const refused = refusal(method);
    if (refused !== undefined) throw refused;
    if (origin === undefined || link.isHere(origin.caller)) return;
    const message = `${method}: not called, because the caller of this handler has gone; another may be there`;
    throw new RpcError("IPC_CALL_LOST", "no", message);
  }

  #start(
    target: CallTarget,
    input: unknown,
    options: AnyCallOptions,
    origin: CallOrigin | undefined,
  ): Promise<unknown> {
    const { name } = target;
    const { link, table } = this.#options;
    const { signal, items } = options;
    if (target.takesItems && items === undefined) {
      throw new TypeError(`${name}: \`items\` takes an iterable or async iterable, got undefined`);
    }
    const isRepeatable = options.idempotent ?? target.isIdempotent;
    if (isRepeatable && items !== undefined) {
      throw new TypeError(`${name}: \`items\` cannot be sent again, so the call cannot be idempotent`);
    }
    const timeoutMs = options.timeoutMs ?? (target.kind === "unary" && items === undefined ? CALL_TIMEOUT_MS : 0);
    const inherited = origin === undefined ? inheritedExpiry() : Math.min(inheritedExpiry(), origin.handlerEndsAt);
    const expiresAt = expiryOf(name, timeoutMs, inherited);
    const isInherited = expiresAt === inherited;
    const deadlineMs = isInherited ? deadlineNumber(expiresAt) : wholeMs(timeoutMs);
    const payload = encodeInput(name, input);
    const id = table.takeId();
    const event = callChannel.hasSubscribers ? this.#traceStart(target, id, expiresAt, options.meta) : undefined;
    // A call that may be repeated needs its frame again; and a source's iterator is foreign code, which may make calls before this one is sent.
    const encode = isRepeatable || items !== undefined ? encodeFrame : encodePassingFrame;
    const frame = encode({
      kind: KIND.call,
      flags: items === undefined ? 0 : FLAG.items,
      id,
      number: deadlineMs,
      name: target.nameBytes,
      meta: event === undefined ? encodeCallMeta(name, options.meta) : encodeTracedMeta(event),
      payload,
    });
    const source = items === undefined ? undefined : sourceOf(items, event);
    const call = table.create({ id, method: name, frame, isRepeatable, caller: link.caller, signal });
    call.isDeadlineSent = deadlineMs !== 0;
    call.isDeadlineInherited = call.isDeadlineSent && isInherited;
    table.setDeadline(call, expiresAt, call.isDeadlineInherited ? deadlineMs : timeoutMs);
    if (target.kind === "unary") table.send(call);
    else {
      call.received = this.#queueFor(call);
      table.send(call);
    }
    if (source !== undefined) this.#sendItems(call, source);
    const promise = event === undefined ? call.promise : traceCall(event, call, payload);
    if (call.received === undefined) return promise;
    const isOpenEnded = target.kind === "unknown" && options.timeoutMs === undefined && items === undefined;
    return this.#startedStream(promise, call, call.received, isOpenEnded);
  }

  #startedStream(promise: Promise<unknown>, call: OutgoingCall, items: ItemQueue, isOpenEnded: boolean): StartedStream {
    return new StartedStream(promise, items, isOpenEnded ? () => this.#beginDeadline(call) : undefined);
  }

  #traceStart({ name: method, kind }: CallTarget, id: number, expiresAt: number, meta: Meta | undefined): CallEvent {
    const { name, caller } = this.#options.link;
    const { remote } = caller;
    const event = { method, kind, id, name, remote, deadlineMs: deadlineNumber(expiresAt), meta: { ...meta } };
    callChannel.start.publish(event);
    callChannel.end.publish(event);
    return event;
  }

  /** Nothing says whether a method gives items until its caller awaits the call, so the clock starts here. */
  #beginDeadline(call: OutgoingCall): void {
    const endsAt = performance.now() + CALL_TIMEOUT_MS;
    if (call.isSettled || call.endsAt <= endsAt) return;
    // Earlier than what the other side may have been told.
    call.isDeadlineInherited = false;
    call.isDeadlineSent = false;
    this.#options.table.setDeadline(call, endsAt, CALL_TIMEOUT_MS);
  }

  #sendItems(call: OutgoingCall, source: ItemSource): void {
    const { link } = this.#options;
    const sender = new ItemSender({ id: call.id, method: call.method, send: (frame) => link.sendItem(frame) });
    call.sender = sender;
    // The call may have been rejected at once.
    if (call.isSettled) sender.stop();
    sender.run(source).then(
      () => {
        if (!call.isSettled) link.sendNow(encodeFrame({ kind: KIND.end, id: call.id }));
      },
      (error: unknown) => {
        const code = error === sender.sendError ? ipcCodeOf(error) : undefined;
        if (code === undefined) call.cancel(error);
        else if (isRefusal(code)) call.cancel(writeError(call.method, error, "maybe"));
        // Otherwise the connection has ended, which settles the call.
      },
    );
  }

  #sendOneWay(target: CallTarget, input: unknown, { meta }: AnyCallOptions): Promise<unknown> {
    const { name, nameBytes } = target;
    const { link, table } = this.#options;
    if (link.isOtherDraining) throw drainingError(name);
    const payload = encodeInput(name, input);
    const id = table.takeId();
    const { hasSubscribers } = callChannel;
    const event = hasSubscribers ? this.#traceStart(target, id, Number.POSITIVE_INFINITY, meta) : undefined;
    const frame = encodeFrame({
      kind: KIND.call,
      flags: FLAG.oneWay,
      id,
      name: nameBytes,
      meta: event === undefined ? encodeCallMeta(name, meta) : encodeTracedMeta(event),
      payload,
    });
    let sent: Promise<unknown> = link.sendItem(frame).catch((error: unknown) => {
      throw writeError(name, error, ipcCodeOf(error) === "IPC_CONNECTION_LOST" ? "maybe" : "no");
    });
    if (event !== undefined)
      sent = traceOutcome(event, sent, () => ({ bytes: lengthOf(payload), items: 0, executed: "maybe" }));
    sent.catch(ignore);
    return sent;
  }

  #queueFor(call: OutgoingCall): ItemQueue {
    const { link, unread, windowBytes } = this.#options;
    return new ItemQueue({
      id: call.id,
      unread,
      windowBytes,
      send: (frame) => link.sendNow(frame),
      codecError: (reason) => codecError(call.method, reason),
      onLeft: (error) =>
        call.cancel(error ?? new RpcError("IPC_ABORTED", "maybe", `${call.method}: the reader left the stream`)),
    });
  }

  #failedItems(error: unknown): ItemQueue {
    const { unread, windowBytes } = this.#options;
    const items = new ItemQueue({
      id: 0,
      unread,
      windowBytes,
      send: ignore,
      onLeft: ignore,
      codecError: (reason) => new Error(reason),
    });
    items.fail(error);
    return items;
  }
}

/** The end of a call, by `performance.now()`: its own, or that of the handler that makes it. @throws RpcError IPC_TIMED_OUT */
function expiryOf(method: string, timeoutMs: number, inherited: number): number {
  if (timeoutMs === 0 && inherited === Number.POSITIVE_INFINITY) return inherited;
  const now = performance.now();
  if (inherited <= now) {
    throw new RpcError(
      "IPC_TIMED_OUT",
      "no",
      `${method}: not called, because the calling handler's deadline has passed`,
    );
  }
  return timeoutMs === 0 ? inherited : Math.min(inherited, now + timeoutMs);
}

/** @throws TypeError that names the method */
function encodeInput(method: string, input: unknown): Payload {
  try {
    return encodeValue(input);
  } catch (error) {
    const reason = messageOf(error);
    throw new TypeError(`${method}: the input cannot be sent: ${reason}`, { cause: error });
  }
}

/** Encodes the meta to which a subscriber may have added. @throws TypeError, RangeError that name the method */
function encodeTracedMeta(event: CallEvent): Uint8Array | undefined {
  try {
    return encodeCallMeta(event.method, event.meta);
  } catch (error) {
    traceUnmade(event, error);
    throw error;
  }
}

/** Returns the iterator of a call's items. @throws what theirs throws, as that of a locked ReadableStream does */
function sourceOf(items: Iterable<unknown> | AsyncIterable<unknown>, event: CallEvent | undefined): ItemSource {
  try {
    return iteratorOf(items);
  } catch (error) {
    if (event !== undefined) traceUnmade(event, error);
    throw error;
  }
}

/** Publishes the end of a call. Apart from its start, because closures cost memory even in a call that makes none. */
function traceCall(event: CallEvent, call: OutgoingCall, payload: Payload): Promise<unknown> {
  return traceOutcome(event, call.promise, () => ({
    bytes: lengthOf(payload) + call.resultBytes + (call.sender?.bytes ?? 0) + (call.received?.bytes ?? 0),
    items: (call.sender?.items ?? 0) + (call.received?.items ?? 0),
  }));
}

/** Publishes the end of a call that is not made. */
function traceUnmade(event: CallEvent, error: unknown): void {
  publishEnd(callChannel, event, { outcome: "error", executed: "no", bytes: 0, items: 0, error });
}

function codecError(method: string, reason: string): CallFailed {
  return new CallFailed("ipc.codec", undefined, { method, executed: "maybe", message: `${method}: ${reason}` });
}

function ignore(): void {}
