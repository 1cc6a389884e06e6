/** The listeners of a signal's abort, in the order of adding. */
interface Listeners {
  readonly callbacks: Set<() => void>;
  /** The only listener of this package at the signal. */
  readonly dispatch: () => void;
}

const signals = new WeakMap<AbortSignal, Listeners>();

/**
 * Calls `callback` when the signal is aborted; never if it has been. One signal may serve a whole program, and Node.js warns of a
 * memory leak at the eleventh listener of a signal: so all callbacks share one.
 */
export function addAbortListener(signal: AbortSignal | undefined, callback: () => void): void {
  if (signal === undefined || signal.aborted) return;
  let listeners = signals.get(signal);
  if (listeners === undefined) {
    const callbacks = new Set<() => void>();
    // A callback may remove others, which are then not called.
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
export function removeAbortListener(signal: AbortSignal | undefined, callback: () => void): void {
  const listeners = signal && signals.get(signal);
  if (signal === undefined || listeners === undefined) return;
  if (!listeners.callbacks.delete(callback) || listeners.callbacks.size > 0) return;
  signals.delete(signal);
  signal.removeEventListener("abort", listeners.dispatch);
}

/** Runs `work` with a signal that follows `signal`, for functions of Node.js that add a listener of their own. */
export async function followSignal<T>(
  signal: AbortSignal | undefined,
  work: (own: { readonly signal?: AbortSignal }) => Promise<T>,
): Promise<T> {
  if (signal === undefined) return work({});
  signal.throwIfAborted();
  const own = new AbortController();
  const abort = (): void => own.abort(signal.reason);
  addAbortListener(signal, abort);
  try {
    return await work({ signal: own.signal });
  } finally {
    removeAbortListener(signal, abort);
  }
}
