import type { ReservedCode } from "../call-failed.js";
import { isIdOfOther } from "../calls/call-ids.js";
import type { CallOrigin } from "../calls/call-maker.js";
import { ExpiryTimer } from "../deadline.js";
import type { Caller, Link } from "../link/link.js";
import { RpcError } from "../rpc-error.js";
import { ItemQueue, type UnreadItems } from "../streams/item-queue.js";
import { handleChannel, traceRefusal } from "../tracing.js";
import { FLAG, type Frame, KIND } from "../wire/frame.js";
import { decodeMeta, type Meta, NO_META } from "../wire/meta.js";
import { encodeFailure, Failure, validate } from "./failure.js";
import { HandledCall, type HandlingOwner } from "./handled-call.js";
import type { HandlerTable } from "./handler-table.js";
import type { Rpc } from "./handler-types.js";
import { OpenCalls } from "./open-calls.js";
import type { ServedMethod } from "./served-method.js";

export interface HandledCallsOptions {
  readonly link: Link;
  readonly handlers: HandlerTable;
  readonly unread: UnreadItems;
  readonly maxCalls: number;
  readonly maxCallBytes: number;
  readonly windowBytes: number;
  /** Returns the calls that a handler makes. */
  readonly rpcFor: (origin: CallOrigin) => Rpc;
  readonly report: (method: string, error: unknown) => void;
}

/** Calls of the other side. */
export class HandledCalls implements HandlingOwner {
  readonly rpcFor: (origin: CallOrigin) => Rpc;
  readonly report: (method: string, error: unknown) => void;
  readonly #options: HandledCallsOptions;
  /** The calls that are not answered yet, by id. */
  readonly #calls = new OpenCalls<HandledCall>();
  /** One-way calls, which have no id. */
  readonly #oneWay = new Set<HandledCall>();
  readonly #expiry = new ExpiryTimer(() => this.#calls.values());
  #handling = 0;
  #bytes = 0;
  /** A one-way call cannot be refused, only dropped, so a drain still takes those that are on their way. */
  #admits: "all" | "one-way" | "none" = "all";
  /** Called when no call waits for its answer. */
  onIdle: (() => void) | undefined;

  constructor(options: HandledCallsOptions) {
    this.#options = options;
    this.rpcFor = options.rpcFor;
    this.report = options.report;
  }

  /** Handlers that run, those that were answered for among them. */
  get size(): number {
    return this.#handling;
  }

  /** Calls that wait for an answer. */
  get open(): number {
    return this.#calls.size + this.#oneWay.size;
  }

  get caller(): Caller {
    return this.#options.link.caller;
  }

  get name(): string {
    return this.#options.link.name;
  }

  /** Refuses new calls from now on, and drops one-way calls. */
  close(): void {
    this.#admits = "none";
  }

  /** Refuses new calls from now on, because the peer drains. */
  drain(): void {
    if (this.#admits === "all") this.#admits = "one-way";
  }

  /** Handles a frame for a call of the other side. Returns false if it is a call that is dropped; unknown ids are ignored. */
  receive(frame: Frame): boolean {
    if (frame.kind === KIND.call) return this.#begin(frame);
    const call = this.#calls.get(frame.id);
    if (call === undefined) return true;
    switch (frame.kind) {
      case KIND.item:
        this.#receiveItem(call, frame);
        break;
      case KIND.end:
        call.received?.end();
        break;
      case KIND.credit:
        call.sender?.credit.grant(frame.number);
        break;
      case KIND.cancel:
        call.end("ipc.cancelled", new RpcError("IPC_ABORTED", "maybe", `${call.name}: cancelled by its caller`));
    }
    return true;
  }

  /** Ends every call. @param code answered; undefined if the connection is gone */
  endAll(code: ReservedCode | undefined, reason: (call: HandledCall) => RpcError): void {
    for (const call of this.#calls.values()) call.end(code, reason(call));
    for (const call of this.#oneWay) call.end(undefined, reason(call));
    this.#expiry.stop();
  }

  answer(call: HandledCall, frame: Uint8Array): void {
    this.#options.link.send(frame, call);
  }

  answerNow({ caller }: HandledCall, frame: Uint8Array): void {
    const { link } = this.#options;
    if (link.isHere(caller)) link.sendNow(frame);
  }

  readonly sendItem = (frame: Uint8Array): Promise<void> => this.#options.link.sendItem(frame);

  answered(call: HandledCall): void {
    if (call.isOneWay) this.#oneWay.delete(call);
    else this.#calls.delete(call);
    if (this.open === 0) this.onIdle?.();
  }

  over(call: HandledCall): void {
    call.handlerEndsAt = Number.POSITIVE_INFINITY;
    this.#handling--;
    this.#bytes -= call.bytes;
  }

  #begin(frame: Frame): boolean {
    const { id, number, payloadLength } = frame;
    const { link } = this.#options;
    const isOneWay = (frame.flags & FLAG.oneWay) !== 0;
    if (!isIdOfOther(link.side, id) || this.#calls.get(id) !== undefined || !link.isCurrent) return false;
    const served = this.#admit(frame, isOneWay);
    if (typeof served === "string") return this.#refuse(frame, served, isOneWay);
    const meta = readMeta(frame.meta);
    if (meta === undefined) return this.#refuse(frame, "ipc.bad-input", isOneWay);
    const expiresAt = number === 0 || isOneWay ? Number.POSITIVE_INFINITY : performance.now() + number;
    const call = new HandledCall({ id, served, isOneWay, expiresAt, meta, bytes: payloadLength }, this);
    this.#handling++;
    this.#bytes += payloadLength;
    if (isOneWay) this.#oneWay.add(call);
    else {
      this.#calls.add(call);
      if (number !== 0) this.#expiry.include(expiresAt);
      if ((frame.flags & FLAG.items) !== 0) call.received = this.#queueFor(id, served);
    }
    void call.run(frame);
    return true;
  }

  /** Finds the method, or the code of the refusal. */
  #admit({ name, payloadLength }: Frame, isOneWay: boolean): ServedMethod | Refusal {
    const { handlers, maxCalls, maxCallBytes } = this.#options;
    if (this.#admits !== "all" && !(isOneWay && this.#admits === "one-way")) return "ipc.closing";
    if (this.#handling >= maxCalls || this.#bytes + payloadLength > maxCallBytes) return "ipc.busy";
    const served = handlers.find(name);
    // The items of a one-way call would have no reader.
    if (served === undefined || (isOneWay && served.method.kind === "stream")) return "ipc.unknown-method";
    return served;
  }

  /** Answers a call that no handler gets. Returns false if it is dropped instead. */
  #refuse(frame: Frame, code: Refusal, isOneWay: boolean): boolean {
    const { link, handlers } = this.#options;
    const { id, name, number, payloadLength } = frame;
    if (!isOneWay) link.sendNow(encodeFailure(id, { code, message: REASONS[code], executed: "no" }));
    if (handleChannel.hasSubscribers) {
      traceRefusal({
        method: name,
        kind: handlers.find(name)?.method.kind ?? "unknown",
        id,
        name: link.name,
        remote: link.caller.remote,
        deadlineMs: number,
        meta: { ...readMeta(frame.meta) },
        outcome: code,
        bytes: payloadLength,
        error: new Failure(code, REASONS[code]),
      });
    }
    return !isOneWay;
  }

  #receiveItem(call: HandledCall, { codec, payload }: Frame): void {
    const code = call.received?.receive(codec, payload);
    if (code === undefined) return;
    const reason =
      code === "ipc.flow"
        ? "an item came without credit, or over 262 144 bytes"
        : "too many unread items on this connection";
    call.end(code, new RpcError("IPC_ABORTED", "maybe", `${call.name}: ${reason}`));
  }

  #queueFor(id: number, { method: { takes } }: ServedMethod): ItemQueue {
    const { link, unread, windowBytes } = this.#options;
    return new ItemQueue({
      id,
      unread,
      windowBytes,
      send: (frame) => link.sendNow(frame),
      onLeft() {},
      codecError: (reason) => new Failure("ipc.codec", reason),
      validate: (item) => (takes === undefined ? item : validate(takes, item, "ipc.bad-input", "item")),
    });
  }
}

type Refusal = "ipc.closing" | "ipc.busy" | "ipc.unknown-method" | "ipc.bad-input";

const REASONS: Readonly<Record<Refusal, string>> = {
  "ipc.closing": "this side is shutting down",
  "ipc.busy": "too many calls in flight, or too many bytes in their inputs",
  "ipc.unknown-method": "this side serves no such method",
  "ipc.bad-input": "meta takes an object of strings, at most 4096 bytes",
};

/** Returns undefined if the meta is malformed. */
function readMeta(bytes: Buffer | undefined): Meta | undefined {
  if (bytes === undefined) return NO_META;
  try {
    return decodeMeta(bytes);
  } catch {
    return undefined;
  }
}
