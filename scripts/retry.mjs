import { setTimeout as sleep } from "node:timers/promises";

/**
 * Calls until a call succeeds, and waits after each failure but the last one.
 * @template T
 * @param {() => Promise<T>} action
 * @param {object} options
 * @param {number} options.attempts at least 1
 * @param {number} options.pauseMs
 * @param {(error: unknown) => void} options.onFailure receives the error of each attempt that is repeated
 * @param {(ms: number) => Promise<unknown>} [options.wait]
 * @returns {Promise<T>}
 * @throws the error of the last attempt
 */
export async function retry(action, { attempts, pauseMs, onFailure, wait = sleep }) {
  for (let attempt = 1; attempt < attempts; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      onFailure(error);
      await wait(pauseMs);
    }
  }
  return action();
}
