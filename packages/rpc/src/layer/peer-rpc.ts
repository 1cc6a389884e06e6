import type { DataMessage } from "@ipc/session";
import { isIdOfOther } from "../calls/call-ids.js";
import { CallMaker, type CallOrigin } from "../calls/call-maker.js";
import { CallTable } from "../calls/call-table.js";
import { remoteOf, untypedRemote } from "../calls/remote.js";
import type { Remote } from "../calls/remote-types.js";
import type { Contract } from "../contract/method.js";
import { listMethods, type MethodList } from "../contract/method-list.js";
import { ExpiryTimer, inheritDeadlines } from "../deadline.js";
import { stackOf } from "../format-value.js";
import type { CallPeer } from "../link/call-peer.js";
import { Link, type LossReason } from "../link/link.js";
import type { SessionLoss } from "../link/session-losses.js";
import { RpcError } from "../rpc-error.js";
import { HandledCalls } from "../serve/handled-calls.js";
import type { HandlerTable } from "../serve/handler-table.js";
import type { Rpc, RpcStats } from "../serve/handler-types.js";
import { UnreadItems } from "../streams/item-queue.js";
import { decodeFrame, KIND } from "../wire/frame.js";
import { CallerRpc } from "./caller-rpc.js";
import { closeTimeoutOf, type ResolvedRpcOptions } from "./rpc-options.js";

/** Calls over one peer, in both directions. */
export class PeerRpc implements Rpc {
  readonly handlers: HandlerTable;
  readonly #options: ResolvedRpcOptions;
  readonly #link: Link;
  readonly #unread = new UnreadItems();
  readonly #table: CallTable;
  readonly #handled: HandledCalls;
  readonly #maker: CallMaker;
  readonly #remotes = new WeakMap<MethodList, object>();
  #untyped: object | undefined;
  #closing: Promise<void> | undefined;
  /** While `close` waits for open calls. */
  #waiting: { expiresAt: number; readonly expire: () => void } | undefined;
  readonly #expiry = new ExpiryTimer(() => (this.#waiting === undefined ? [] : [this.#waiting]));
  #droppedFrames = 0;
  #droppedMessages = 0;
  #hasWarned = false;

  /** @throws TypeError; the peer's IPC_CONSUMER_TAKEN */
  constructor(peer: CallPeer, options: ResolvedRpcOptions, handlers: HandlerTable) {
    this.#options = options;
    this.handlers = handlers;
    const { messageType, side, maxCalls, maxCallBytes, windowBytes } = options;
    this.#link = new Link(
      "rpc",
      peer,
      { messageType, side },
      {
        frame: (data) => this.#receive(data),
        other: (message) => this.#receiveOther(message),
        connected: () => this.#table.connected(),
        isBusy: () => !this.#isIdle,
        draining: () => this.#onDraining(),
        lost: (error, loss) => this.#onLost(error, loss),
        ended: (error) => this.#table.end(error),
      },
    );
    const link = this.#link;
    const unread = this.#unread;
    this.#table = new CallTable(link);
    this.#handled = new HandledCalls({
      link,
      handlers,
      unread,
      maxCalls,
      maxCallBytes,
      windowBytes,
      rpcFor: (origin) => this.#rpcFor(origin),
      report: (method, error) => this.#report(method, error),
    });
    this.#maker = new CallMaker({
      link,
      table: this.#table,
      unread,
      windowBytes,
      refusal: (method) => this.#refusal(method),
    });
    link.start();
  }

  get stats(): RpcStats {
    return {
      calls: this.#table.size,
      handling: this.#handled.size,
      unreadBytes: this.#unread.bytes,
      droppedFrames: this.#droppedFrames,
      droppedMessages: this.#droppedMessages,
    };
  }

  remote<C extends Contract>(contract?: C): Remote<C> {
    inheritDeadlines();
    if (contract === undefined) {
      this.#untyped ??= untypedRemote(this.#maker.call);
      return this.#untyped as Remote<C>;
    }
    return this.#remoteOf(contract) as Remote<C>;
  }

  #remoteOf(contract: Contract): object {
    const methods = listMethods("remote", contract);
    let remote = this.#remotes.get(methods);
    if (remote === undefined) {
      remote = remoteOf(methods, this.#maker.call);
      this.#remotes.set(methods, remote);
    }
    return remote;
  }

  #rpcFor(origin: CallOrigin): Rpc {
    return new CallerRpc({
      rpc: this,
      remoteOf: (contract) => this.#remoteOf(contract),
      call: (target, input, options) => this.#maker.call(target, input, options, origin),
    });
  }

  async close(options?: { readonly timeoutMs?: number }): Promise<void> {
    const timeoutMs = closeTimeoutOf(options);
    this.#closing ??= this.#drain();
    this.#endDrainWithin(timeoutMs);
    await this.#closing;
  }

  /** Waits for the open calls of both sides, then ends those that are left. */
  async #drain(): Promise<void> {
    this.#handled.close();
    if (!this.#isIdle) {
      await new Promise<void>((resolve) => {
        this.#waiting = { expiresAt: Number.POSITIVE_INFINITY, expire: resolve };
        const settle = (): void => {
          if (this.#isIdle) resolve();
        };
        this.#table.onIdle = settle;
        this.#handled.onIdle = settle;
      });
    }
    this.#waiting = undefined;
    this.#expiry.stop();
    this.#table.onIdle = undefined;
    this.#handled.onIdle = undefined;
    this.#handled.endAll("ipc.closing", ({ name }) => closedError(name));
    this.#table.cancelAll(({ method }) => closedError(method));
  }

  /** Each call of `close` may shorten the drain. */
  #endDrainWithin(timeoutMs: number): void {
    const endsAt = performance.now() + timeoutMs;
    if (this.#waiting === undefined || endsAt >= this.#waiting.expiresAt) return;
    this.#waiting.expiresAt = endsAt;
    this.#expiry.include(endsAt);
  }

  get #isIdle(): boolean {
    return this.#table.size === 0 && this.#handled.open === 0;
  }

  #refusal(method: string): RpcError | undefined {
    if (this.#closing === undefined) return undefined;
    return new RpcError("IPC_CLOSED", "no", `${method}: not called, because the calls of this peer are closed`);
  }

  #receive(data: Uint8Array): void {
    const frame = decodeFrame(data);
    if (frame === undefined) {
      this.#droppedFrames++;
      return;
    }
    if (frame.kind !== KIND.call && !isIdOfOther(this.#link.side, frame.id)) this.#table.receive(frame);
    else if (!this.#handled.receive(frame)) this.#droppedFrames++;
  }

  #receiveOther(message: DataMessage): void | Promise<void> {
    const { onMessage } = this.#options;
    if (onMessage !== undefined) return onMessage(message);
    this.#droppedMessages++;
    if (this.#droppedMessages > 1) return undefined;
    const text = `@ipc/rpc dropped a message of type ${message.type}; pass \`onMessage\` to rpc() to receive such messages`;
    process.emitWarning(text);
    return undefined;
  }

  /** Open calls go on, and this side may still call: a handler may have to, before it can answer. */
  #onDraining(): void {
    this.#handled.drain();
    this.#table.endWaiting(({ method, executed }) => {
      return new RpcError("IPC_CLOSED", executed, `${method}: no connection follows, because this peer drains`);
    });
  }

  #onLost(error: LossReason, loss: SessionLoss | undefined): void {
    this.#table.connectionLost(error, loss);
    this.#handled.endAll(undefined, ({ name }) => error(name, "maybe"));
  }

  #report(method: string, error: unknown): void {
    const { logger } = this.#options;
    const text = `rpc: the handler of ${method} failed: ${stackOf(error)}`;
    if (logger === undefined) {
      if (this.#hasWarned) return;
      this.#hasWarned = true;
      process.emitWarning(`${text}\npass \`logger\` to rpc() to see every such failure`);
      return;
    }
    try {
      logger.error(text);
    } catch (thrown) {
      // Uncaught, as usual in Node, but not in the way of the answer.
      process.nextTick(() => {
        throw thrown;
      });
    }
  }
}

function closedError(name: string): RpcError {
  return new RpcError("IPC_CLOSED", "maybe", `${name}: the calls of this peer were closed`);
}
