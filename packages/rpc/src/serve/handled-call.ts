import type { ReservedCode } from "../call-failed.js";
import type { CallOrigin } from "../calls/call-maker.js";
import { type Expiring, needsScope, runInScope } from "../deadline.js";
import { isError, isPromise } from "../format-value.js";
import type { Caller, WriteWatcher } from "../link/link.js";
import { ipcCodeOf, RpcError } from "../rpc-error.js";
import type { ItemQueue } from "../streams/item-queue.js";
import { ItemSender, iteratorOf } from "../streams/item-sender.js";
import { handleChannel, traceHandling } from "../tracing.js";
import { encodePassingFrame, type Frame, KIND } from "../wire/frame.js";
import type { Meta } from "../wire/meta.js";
import { encodeValue, lengthOf, type Payload } from "../wire/payload.js";
import { CallContext, type ContextSource, NO_ITEMS, runThrough } from "./call-context.js";
import { BAD_OUTPUT, chain, decodeInput, encodeFailure, Failure, followsFrom, validate } from "./failure.js";
import type { Rpc } from "./handler-types.js";
import { areItems, type ServedMethod } from "./served-method.js";

/** The owner of a handled call: the handled calls of a peer. */
export interface HandlingOwner {
  readonly rpcFor: (origin: CallOrigin) => Rpc;
  readonly caller: Caller;
  readonly name: string; // of the peer
  /** Sends an answer; `call` learns if it is refused. */
  readonly answer: (call: HandledCall, frame: Uint8Array) => void;
  /** Sends an answer that is as short as one can be, if the caller is still there: one that does not take it loses its connection. */
  readonly answerNow: (call: HandledCall, frame: Uint8Array) => void;
  readonly sendItem: (frame: Uint8Array) => Promise<void>;
  /** The call was answered, or needs no answer any more: its id is free. */
  readonly answered: (call: HandledCall) => void;
  /** The handler has ended. */
  readonly over: (call: HandledCall) => void;
  /** Reports an unexpected exception of a handler. */
  readonly report: (method: string, error: unknown) => void;
}

export interface HandledCallStart {
  readonly id: number;
  readonly served: ServedMethod;
  readonly isOneWay: boolean;
  readonly expiresAt: number;
  readonly meta: Meta;
  /** Bytes of the input. */
  readonly bytes: number;
}

/** A call of the other side. It is answered once, at once when it is cancelled, and it is over when its handler has ended. */
export class HandledCall implements CallOrigin, ContextSource, Expiring, WriteWatcher {
  readonly id: number;
  readonly expiresAt: number;
  /** Set to Infinity once the handler is over. */
  handlerEndsAt: number;
  readonly meta: Meta;
  readonly bytes: number;
  readonly isOneWay: boolean;
  readonly caller: Caller;
  /** Items of the caller, and items for it. */
  received: ItemQueue | undefined;
  sender: ItemSender | undefined;
  readonly #served: ServedMethod;
  readonly #owner: HandlingOwner;
  readonly #context: CallContext;
  #isAnswered = false;
  /** Whether the handler was called. */
  #hasBegun = false;
  #abort: AbortController | undefined;
  #reason: RpcError | undefined;
  /** For the tracing channel: "ok", or the code of the answer, and the exception behind it. */
  #outcome = "ok";
  #error: unknown;
  #result: Payload;

  constructor(start: HandledCallStart, owner: HandlingOwner) {
    this.id = start.id;
    this.expiresAt = start.expiresAt;
    this.handlerEndsAt = start.expiresAt;
    this.meta = start.meta;
    this.bytes = start.bytes;
    this.isOneWay = start.isOneWay;
    this.caller = owner.caller;
    this.#served = start.served;
    this.#owner = owner;
    this.#context = new CallContext(this);
  }

  get name(): string {
    return this.#served.name;
  }

  get rpc(): Rpc {
    return this.#owner.rpcFor(this);
  }

  /** Made when the handler asks for it, because most handlers do not. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#reason !== undefined) this.#abort.abort(this.#reason);
    }
    return this.#abort.signal;
  }

  get items(): AsyncIterable<unknown> {
    return this.received ?? NO_ITEMS;
  }

  /** Runs the handler and answers. Never throws or rejects. */
  run(frame: Frame): void | Promise<void> {
    return handleChannel.hasSubscribers ? this.#traced(frame) : this.#inScope(frame);
  }

  #inScope(frame: Frame): void | Promise<void> {
    // Bound, here and below, because a closure costs memory for each call, also where none is made.
    return needsScope(this) ? runInScope(this, this.#run.bind(this, frame)) : this.#run(frame);
  }

  #traced(frame: Frame): Promise<void> {
    const { id, name: method, caller, meta } = this;
    const { kind } = this.#served.method;
    const deadlineMs = this.expiresAt === Number.POSITIVE_INFINITY ? 0 : Math.round(this.expiresAt - performance.now());
    const event = { method, kind, id, name: this.#owner.name, remote: caller.remote, deadlineMs, meta: { ...meta } };
    return traceHandling(event, this.#inScope.bind(this, frame), () => ({
      outcome: this.#outcome,
      executed: this.#hasBegun ? "yes" : "no",
      bytes: this.bytes + lengthOf(this.#result) + (this.sender?.bytes ?? 0) + (this.received?.bytes ?? 0),
      items: (this.sender?.items ?? 0) + (this.received?.items ?? 0),
      error: this.#error,
    }));
  }

  /** Ends the call for its caller at once, whatever the handler does. @param code answered; undefined if nothing can be */
  end(code: ReservedCode | undefined, reason: RpcError): void {
    if (this.#isAnswered) return;
    this.#outcome = code ?? reason.code;
    this.#error = reason;
    const executed = this.#hasBegun ? "maybe" : "no";
    const isAnswerable = code !== undefined && !this.isOneWay;
    const { message } = reason;
    this.#answer(isAnswerable ? encodeFailure(this.id, { code, message, executed }) : undefined, reason);
  }

  expire(): void {
    this.end("ipc.deadline", new RpcError("IPC_TIMED_OUT", "maybe", `${this.name}: its deadline has passed`));
  }

  onWritten(): void {}

  onWriteFailed(error: unknown): void {
    const code = ipcCodeOf(error);
    if (code === "IPC_MESSAGE_TOO_LARGE") this.#owner.report(this.name, error);
    else if (code !== "IPC_QUEUE_FULL") return;
    const message =
      "the result could not be sent, because it is longer than the caller takes, or too much waits to be sent";
    this.#owner.answerNow(this, encodeFailure(this.id, { code: "ipc.internal", message, executed: "yes" }));
  }

  /** Answers at once where the handler, the schemas and the context need no promise: it costs each call, most with async hooks. */
  #run(frame: Frame): void | Promise<void> {
    try {
      const output = this.#produce(decodeInput(frame));
      if (isPromise(output)) return this.#finish(output);
      this.#succeed(output);
    } catch (error) {
      return this.#finish(Promise.reject(error));
    }
    this.#owner.over(this);
  }

  async #finish(output: Promise<unknown>): Promise<void> {
    try {
      this.#succeed(await output);
    } catch (error) {
      await this.#fail(error);
    } finally {
      this.#owner.over(this);
    }
  }

  /** Returns what the caller gets, or a promise of it. */
  #produce(input: unknown): unknown {
    const { method, service } = this.#served;
    const isBare = service.context === undefined && service.use.length === 0;
    const output = isBare ? this.#handle(input) : this.#handleWithin(input);
    return method.output === undefined ? output : chain(output, this.#checkOutput.bind(this, method.output));
  }

  #checkOutput(schema: NonNullable<ServedMethod["method"]["output"]>, output: unknown): unknown {
    return this.#isAnswered ? undefined : validate(schema, output, BAD_OUTPUT, "output");
  }

  async #handleWithin(input: unknown): Promise<unknown> {
    const { context, use } = this.#served.service;
    this.#context.context = await context?.(this.caller);
    this.#assertOpen();
    return runThrough(use, this.#context, async () => this.#handle(input));
  }

  #handle(input: unknown): unknown {
    const { input: schema } = this.#served.method;
    if (schema === undefined) return this.#call(input);
    return chain(validate(schema, input, "ipc.bad-input", "input"), this.#call.bind(this));
  }

  #call(input: unknown): unknown {
    const { method, handler } = this.#served;
    this.#assertOpen();
    this.#hasBegun = true;
    const result = handler(input, this.#context);
    return method.kind === "stream" ? chain(result, this.#give.bind(this)) : result;
  }

  #give(given: unknown): unknown {
    return areItems(this.#served, given) ? this.#sendItems(given) : given;
  }

  /** Stops a call that was ended before its handler was called. A one-way call has no caller that waits. @throws the reason */
  #assertOpen(): void {
    if (this.#reason !== undefined && !this.isOneWay) throw this.#reason;
  }

  #sendItems(items: Iterable<unknown> | AsyncIterable<unknown>): Promise<unknown> {
    const { gives } = this.#served.method;
    const sender = new ItemSender({
      id: this.id,
      method: this.name,
      send: this.#owner.sendItem,
      validate: gives && ((item) => validate(gives, item, BAD_OUTPUT, "item")),
    });
    this.sender = sender;
    return sender.run(iteratorOf(items));
  }

  #succeed(output: unknown): void {
    if (this.#isAnswered) return;
    if (this.isOneWay) {
      this.#answer(undefined);
      return;
    }
    let payload: Payload;
    try {
      payload = encodeValue(output);
    } catch (error) {
      throw new Error(`${this.name}: the result cannot be sent`, { cause: error });
    }
    this.#result = payload;
    this.#answer(encodePassingFrame({ kind: KIND.result, id: this.id, payload }));
  }

  async #fail(error: unknown): Promise<void> {
    if (this.#isAnswered) {
      if (this.#reason === undefined || !followsFrom(error, this.#reason)) this.#owner.report(this.name, error);
      return;
    }
    this.#error = error;
    try {
      if (error instanceof Failure && error.code !== BAD_OUTPUT) {
        const data = await this.#checkedData(error);
        if (!this.#isAnswered) this.#answerFailure(error.code, error.message, data);
        return;
      }
    } catch (inner) {
      error = inner;
    }
    if (!this.#isAnswered) {
      const shown = this.#served.service.exposeErrors && isError(error) ? error.message : "the handler failed";
      this.#answerFailure(error instanceof Failure ? error.code : "ipc.internal", shown);
    }
    this.#owner.report(this.name, error);
  }

  /** @throws Error if the method declares no such error, or not with such data */
  async #checkedData({ code, data }: Failure): Promise<unknown> {
    const { errors } = this.#served.method;
    // The layer's own failures have codes that no method can declare.
    if (errors === undefined || code.startsWith("ipc.")) return data;
    const schema = errors.get(code);
    if (schema === undefined) throw new Error(`${this.name}: the contract declares no error ${code}`);
    return validate(schema, data, BAD_OUTPUT, `data of ${code}`);
  }

  #answerFailure(code: string, message: string, data?: unknown): void {
    this.#outcome = code;
    const executed = this.#hasBegun ? "yes" : "no";
    this.#answer(this.isOneWay ? undefined : encodeFailure(this.id, { code, message, data, executed }));
  }

  /** Answers once, then ends the streams of the call. */
  #answer(frame: Uint8Array | undefined, reason?: RpcError): void {
    this.#isAnswered = true;
    if (frame !== undefined) this.#owner.answer(this, frame);
    this.#owner.answered(this);
    this.sender?.stop();
    // A loop that still runs must not take its items for complete.
    this.received?.abort(
      reason ?? new RpcError("IPC_ABORTED", "yes", `${this.name}: was answered before its items ended`),
    );
    if (reason === undefined) return;
    this.#reason = reason;
    this.#abort?.abort(reason);
  }
}
