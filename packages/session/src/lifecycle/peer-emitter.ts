import { EventEmitter } from "node:events";
import { isCausedByPeer, isConnectionEnd } from "../errors.js";

export type EventListener<A> = (...args: Extract<A, unknown[]>) => void;

/**
 * The listeners of a peer. One that throws is an uncaught exception, as anywhere in Node, but thrown from a tick of its
 * own: the connection in whose work it was called is unharmed. An `error` without a listener is not thrown.
 *
 * The same holds for an async listener that rejects. But no peer shall be able to end this process: where it rejects because
 * a connection has ended under its hands, that has been told already; where a peer that does not read left no room for a
 * message, or too little time for a close, Node's warning tells it, once for each emitter.
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
    if (isConnectionEnd(error)) return;
    if (!isCausedByPeer(error)) throwLater(error);
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
