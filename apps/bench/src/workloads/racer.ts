import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

/** How long the fastest and the slowest of several clients took, in milliseconds. */
export interface RaceTimes {
  readonly fastestMs: number;
  readonly slowestMs: number;
}

/**
 * A process with some of the clients of a fan-in. It sends a message when they are connected, and the times of each race.
 * Every method rejects when the process has ended, also when it did so before the call.
 */
export class Racer {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  /** @param child just forked */
  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((_resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        reject(
          new Error(`a process of clients ended with ${signal ?? `exit code ${code}`} before the workload was over`),
        );
      });
    });
    this.#ended.catch(() => {});
  }

  async connected(): Promise<void> {
    await this.#answer();
  }

  /** Has each client send so many messages. */
  race(each: number): Promise<RaceTimes> {
    const times = this.#answer();
    // Without a callback, a process that has ended would make it an error of the channel, and not of its end.
    this.#child.send(each, () => {});
    return times;
  }

  async #answer(): Promise<RaceTimes> {
    const ending = new AbortController();
    const message = once(this.#child, "message", { signal: ending.signal });
    try {
      const [times] = await Promise.race([message, this.#ended]);
      return times as RaceTimes;
    } finally {
      message.catch(() => {});
      ending.abort();
    }
  }
}
