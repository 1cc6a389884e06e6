import type { LoopDelay } from "./loop-watch.js";
import { isNumbered, type Payload } from "./payload.js";

/** The messages that one end has received since it was last asked. */
export interface Tally {
  readonly count: number;
  readonly bytes: number;
  /** Numbered messages that were not the next one, or not as they were sent. */
  readonly wrong: number;
  /** Since it is watched, and nothing where it is not. */
  readonly loop: LoopDelay;
  /** Processor time of its process since that began, in microseconds. */
  readonly cpuUs: number;
}

/** Counts what arrives over one link. */
export class Counter {
  #count = 0;
  #bytes = 0;
  #wrong = 0;

  add(payload: Payload): void {
    this.#count++;
    this.#bytes += payload.length;
  }

  addNumbered(payload: Payload): void {
    if (!isNumbered(payload, this.#count)) this.#wrong++;
    this.add(payload);
  }

  /** Gives what was counted and starts again from zero. */
  take(): Omit<Tally, "loop" | "cpuUs"> {
    const taken = { count: this.#count, bytes: this.#bytes, wrong: this.#wrong };
    this.#count = 0;
    this.#bytes = 0;
    this.#wrong = 0;
    return taken;
  }
}
