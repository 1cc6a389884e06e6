import { AsyncLocalStorage } from "node:async_hooks";
import { clearImmediate, clearTimeout, setImmediate, setTimeout } from "node:timers";
import { TIMER_MAX_MS } from "./limits.js";

/** The handled call in whose course code runs. */
export interface CallScope {
  /** The end of the calls that its handler makes, by `performance.now()`; Infinity for none, and once the handler is over. */
  readonly handlerEndsAt: number;
}

const callScope = new AsyncLocalStorage<CallScope>();
let isInheritable = false;

/** Makes handlers that begin from now on pass their deadlines on: this process has a remote, by which they can call. */
export function inheritDeadlines(): void {
  isInheritable = true;
}

/**
 * Runs a handler so that the calls that it makes by any remote inherit its deadline; those by `call.rpc` do so without. In Node.js 20
 * and 22 an AsyncLocalStorage makes every promise of the process about twice as slow, so a process without a remote uses none.
 */
export function runInScope<R>(scope: CallScope, run: () => R): R {
  return callScope.run(scope, run);
}

/** Whether a handler needs `runInScope`. */
export function needsScope(scope: CallScope): boolean {
  return isInheritable && scope.handlerEndsAt !== Number.POSITIVE_INFINITY;
}

/** The end of the handler that makes a call, by `performance.now()`; Infinity for none. */
export function inheritedExpiry(): number {
  return callScope.getStore()?.handlerEndsAt ?? Number.POSITIVE_INFINITY;
}

/** A call with a deadline. */
export interface Expiring {
  /** By `performance.now()`; Infinity for none. */
  readonly expiresAt: number;
  /** Called once the deadline has passed. */
  expire(): void;
}

/**
 * One timer for all deadlines of a connection, because a timer for each call costs more than the call. It fires at the earliest
 * deadline that was pending when it was set, and looks through the calls then.
 */
export class ExpiryTimer {
  readonly #calls: () => Iterable<Expiring>;
  #timer: NodeJS.Timeout | undefined;
  #check: NodeJS.Immediate | undefined;
  #firesAt: number = Number.POSITIVE_INFINITY;

  /** @param calls the calls in progress */
  constructor(calls: () => Iterable<Expiring>) {
    this.#calls = calls;
  }

  /** Makes the timer fire no later than at `expiresAt`. */
  include(expiresAt: number): void {
    if (expiresAt < this.#firesAt) this.#set(expiresAt);
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#check);
    this.#timer = undefined;
    this.#check = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
  }

  #set(firesAt: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = firesAt;
    const ms = Math.min(Math.max(1, Math.ceil(firesAt - performance.now())), TIMER_MAX_MS);
    this.#timer = setTimeout(this.#fire, ms);
    // The connection keeps the process alive; a deadline does not.
    this.#timer.unref();
  }

  /** The event loop reads its sockets before an immediate, so that an answer that has already arrived wins. */
  readonly #fire = (): void => {
    this.#timer = undefined;
    this.#check = setImmediate(this.#expire);
  };

  readonly #expire = (): void => {
    this.#check = undefined;
    this.#firesAt = Number.POSITIVE_INFINITY;
    const now = performance.now();
    let next = Number.POSITIVE_INFINITY;
    for (const call of this.#calls()) {
      if (call.expiresAt <= now) call.expire();
      else if (call.expiresAt < next) next = call.expiresAt;
    }
    if (next < this.#firesAt) this.#set(next);
  };
}
