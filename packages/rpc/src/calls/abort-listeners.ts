/** The calls that a signal aborts. One listener serves all, because Node.js warns of a memory leak at the eleventh of a signal. */
interface Listeners {
  readonly callbacks: Set<() => void>;
  readonly dispatch: () => void;
}

const signals = new WeakMap<AbortSignal, Listeners>();

/** Calls `callback` when the signal is aborted, unless it was removed. */
export function addAbortListener(signal: AbortSignal, callback: () => void): void {
  let listeners = signals.get(signal);
  if (listeners === undefined) {
    const callbacks = new Set<() => void>();
    const dispatch = (): void => {
      for (const each of callbacks) each();
      signals.delete(signal);
    };
    listeners = { callbacks, dispatch };
    signals.set(signal, listeners);
    signal.addEventListener("abort", dispatch, { once: true });
  }
  listeners.callbacks.add(callback);
}

/** Removes a callback; the last one takes the listener with it. */
export function removeAbortListener(signal: AbortSignal, callback: () => void): void {
  const listeners = signals.get(signal);
  if (listeners === undefined || !listeners.callbacks.delete(callback) || listeners.callbacks.size > 0) return;
  signals.delete(signal);
  signal.removeEventListener("abort", listeners.dispatch);
}
