import { EventEmitter } from "node:events";

export type Listener<A> = (...args: Extract<A, unknown[]>) => void;

/**
 * The listeners of a peer. One that throws is an uncaught exception, as anywhere in Node, but thrown from a tick of its
 * own: the connection in whose work it was called is unharmed. An `error` without a listener is not thrown.
 */
export class PeerEmitter<E> {
  readonly #emitter = new EventEmitter();

  on<K extends keyof E>(event: K, listener: Listener<E[K]>): void {
    this.#emitter.on(event as string, listener as (...args: unknown[]) => void);
  }

  once<K extends keyof E>(event: K, listener: Listener<E[K]>): void {
    this.#emitter.once(event as string, listener as (...args: unknown[]) => void);
  }

  off<K extends keyof E>(event: K, listener: Listener<E[K]>): void {
    this.#emitter.off(event as string, listener as (...args: unknown[]) => void);
  }

  has(event: keyof E): boolean {
    return this.#emitter.listenerCount(event as string) > 0;
  }

  emit(event: keyof E, ...args: unknown[]): void {
    if (!this.has(event)) return;
    try {
      this.#emitter.emit(event as string, ...args);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  clear(): void {
    this.#emitter.removeAllListeners();
  }
}
