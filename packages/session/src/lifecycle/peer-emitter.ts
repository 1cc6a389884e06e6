import { EventEmitter } from "node:events";
import { type ErrorTraits, isIpcError, throwLater, traitsOf } from "../errors.js";
import { assertListener } from "../options/call-arguments.js";

/** A function that receives the arguments of an event: `EventListener<PeerEvents["message"]>`. */
export type EventListener<A> = (...args: Extract<A, unknown[]>) => void;

/** The source of `message` events, which flow while there is a listener. */
export interface MessageFlow {
  /** @throws SessionError IPC_CONSUMER_TAKEN */
  listen(): void;
  unlisten(): void;
}

/**
 * Holds the listeners of a peer. An exception of a listener is uncaught, as usual in Node, but it is thrown in a separate tick,
 * so it does not disturb the connection that emitted the event. An `error` event without a listener is not thrown.
 *
 * The same holds for a rejection of an async listener, with two exceptions, because no peer may end this process. A rejection
 * because the connection ended is ignored: other events report that end. IPC_QUEUE_FULL and IPC_CLOSE_INCOMPLETE, caused by a
 * peer that does not read, become a Node warning, once per emitter.
 */
export class PeerEmitter<E> {
  readonly #emitter = new EventEmitter({ captureRejections: true });
  readonly #flow: MessageFlow | undefined;
  /** Whether a `once` listener was added for messages; it is removed without a call of `off`. */
  #hasOnce = false;
  #hasWarned = false;

  constructor(flow?: MessageFlow) {
    this.#flow = flow;
    Reflect.set(this.#emitter, EventEmitter.captureRejectionSymbol, (error: unknown) => this.#onRejection(error));
  }

  /** @throws TypeError; SessionError IPC_CONSUMER_TAKEN, for `message` */
  on<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#begin(event, listener);
    this.#emitter.on(event as string, listener as (...args: unknown[]) => void);
  }

  once<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#begin(event, listener);
    if (event === "message") this.#hasOnce = true;
    this.#emitter.once(event as string, listener as (...args: unknown[]) => void);
  }

  off<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#emitter.off(event as string, listener as (...args: unknown[]) => void);
    this.#stopWhenAlone();
  }

  emit(event: keyof E, ...args: unknown[]): void {
    if (event === "error" && this.#emitter.listenerCount("error") === 0) return;
    try {
      this.#emitter.emit(event as string, ...args);
    } catch (error) {
      throwLater(error);
    }
    if (this.#hasOnce && event === "message") this.#stopWhenAlone();
  }

  clear(): void {
    this.#emitter.removeAllListeners();
  }

  #begin(event: keyof E, listener: unknown): void {
    assertListener(listener);
    if (event === "message") this.#flow?.listen();
  }

  #stopWhenAlone(): void {
    if (this.#emitter.listenerCount("message") === 0) this.#flow?.unlisten();
  }

  #onRejection(error: unknown): void {
    const { endsConnection, causedByPeer }: ErrorTraits = isIpcError(error) ? traitsOf(error.code) : {};
    if (endsConnection) return;
    if (!causedByPeer) throwLater(error);
    else if (!this.#hasWarned) {
      this.#hasWarned = true;
      process.emitWarning(error as Error);
    }
  }
}
