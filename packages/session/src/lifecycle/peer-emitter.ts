import { EventEmitter } from "node:events";
import { type ErrorTraits, isIpcError, traitsOf } from "../errors.js";

export type EventListener<A> = (...args: Extract<A, unknown[]>) => void;

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
  #hasWarned = false;

  constructor() {
    Reflect.set(this.#emitter, EventEmitter.captureRejectionSymbol, (error: unknown) => this.#onRejection(error));
  }

  on<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#emitter.on(event as string, listener as (...args: unknown[]) => void);
  }

  once<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#emitter.once(event as string, listener as (...args: unknown[]) => void);
  }

  off<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#emitter.off(event as string, listener as (...args: unknown[]) => void);
  }

  has(event: keyof E): boolean {
    return this.#emitter.listenerCount(event as string) > 0;
  }

  emit(event: keyof E, ...args: unknown[]): void {
    if (event === "error" && !this.has(event)) return;
    try {
      this.#emitter.emit(event as string, ...args);
    } catch (error) {
      throwLater(error);
    }
  }

  clear(): void {
    this.#emitter.removeAllListeners();
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

function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
