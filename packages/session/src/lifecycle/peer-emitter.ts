import { type ErrorTraits, isIpcError, throwLater, traitsOf } from "../errors.js";
import { type DataMessage, ReceivedMessage } from "../message.js";
import { assertListener } from "../options/call-arguments.js";

/** A function that receives the arguments of an event: `EventListener<PeerEvents["message"]>`. */
export type EventListener<A> = (...args: Extract<A, unknown[]>) => unknown;

/** The source of `message` events, whose last argument is the message; they flow while there is a listener. */
export interface MessageFlow {
  /** @throws SessionError IPC_CONSUMER_TAKEN */
  listen(): void;
  unlisten(): void;
}

interface Entry {
  readonly listener: (...args: unknown[]) => unknown;
  readonly isOnce: boolean;
}

/**
 * Holds the listeners of a peer. An exception of a listener is uncaught, as usual in Node, but it is thrown in a separate tick,
 * so it does not disturb the connection that emitted the event. An `error` event without a listener is not thrown.
 *
 * The same holds for a rejection of an async listener, with two exceptions, because no peer may end this process. A rejection
 * because the connection ended is ignored: other events report that end. IPC_QUEUE_FULL and IPC_CLOSE_INCOMPLETE, caused by a
 * peer that does not read, become a Node warning, once per emitter.
 *
 * It is no EventEmitter, because that does not tell what a listener returned: a message is handled when that has settled.
 */
export class PeerEmitter<E> {
  /** In the order of adding. A list is replaced and never changed, because listeners add and remove listeners. */
  readonly #entries = new Map<keyof E, readonly Entry[]>();
  readonly #flow: MessageFlow | undefined;
  #hasWarned = false;

  constructor(flow?: MessageFlow) {
    this.#flow = flow;
  }

  /** @throws TypeError; SessionError IPC_CONSUMER_TAKEN, for `message` */
  on<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#add(event, listener, false);
  }

  once<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    this.#add(event, listener, true);
  }

  off<K extends keyof E>(event: K, listener: EventListener<E[K]>): void {
    const latest = this.#entries.get(event)?.findLast((entry) => entry.listener === listener);
    if (latest !== undefined && this.#remove(event, latest)) this.#stopWhenAlone(event);
  }

  emit(event: keyof E, ...args: unknown[]): void {
    const entries = this.#entries.get(event);
    if (entries === undefined) return;
    let hasRemoved = false;
    try {
      for (const entry of entries) {
        if (entry.isOnce) {
          // Another listener may have removed it, or emitted the event.
          if (!this.#remove(event, entry)) continue;
          hasRemoved = true;
        }
        const result = entry.listener(...args);
        if (isPromiseLike(result)) this.#watch(event, args, Promise.resolve(result));
      }
    } catch (error) {
      throwLater(error);
    }
    if (hasRemoved) this.#stopWhenAlone(event);
  }

  clear(): void {
    this.#entries.clear();
  }

  #add(event: keyof E, listener: unknown, isOnce: boolean): void {
    assertListener(listener);
    if (event === "message") this.#flow?.listen();
    const entry = { listener: listener as Entry["listener"], isOnce };
    this.#entries.set(event, [...(this.#entries.get(event) ?? []), entry]);
  }

  /** Returns whether it was there. */
  #remove(event: keyof E, entry: Entry): boolean {
    const entries = this.#entries.get(event) ?? [];
    const rest = entries.filter((other) => other !== entry);
    if (rest.length > 0) this.#entries.set(event, rest);
    else this.#entries.delete(event);
    return rest.length < entries.length;
  }

  #stopWhenAlone(event: keyof E): void {
    if (event === "message" && !this.#entries.has(event)) this.#flow?.unlisten();
  }

  #watch(event: keyof E, args: readonly unknown[], result: Promise<unknown>): void {
    if (event === "message" && this.#flow !== undefined) {
      ReceivedMessage.stepsOf(args.at(-1) as DataMessage).beginUntil(result, this.#onRejection);
    } else result.catch(this.#onRejection);
  }

  readonly #onRejection = (error: unknown): void => {
    const { ends, causedByPeer }: ErrorTraits = isIpcError(error) ? traitsOf(error.code) : {};
    if (ends !== undefined) return;
    if (!causedByPeer) throwLater(error);
    else if (!this.#hasWarned) {
      this.#hasWarned = true;
      process.emitWarning(error as Error);
    }
  };
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { readonly then?: unknown } | null | undefined)?.then === "function";
}
