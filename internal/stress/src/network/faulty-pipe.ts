import type { Socket } from "node:net";
import { setImmediate as nextMacrotask } from "node:timers/promises";
import type { Shape } from "./fault-plan.js";

export interface FaultyPipeOptions {
  readonly source: Socket;
  readonly target: Socket;
  readonly shape: Shape;
  /** The byte before which it stops and asks; undefined: none. */
  readonly at: number | undefined;
  /** Is called there, once. Takes the byte that follows, and gives it as it is to be. */
  readonly onPlace: (next: number) => number;
  /** Resolves after so many milliseconds, or when the connection is over. */
  readonly pause: (ms: number) => Promise<void>;
}

/** One direction of a connection: passes bytes on in its shape, until it is told to lose them or to stand still. */
export class FaultyPipe {
  readonly #options: FaultyPipeOptions;
  #mode: "passing" | "losing" | "standing" = "passing";
  #at: number | undefined;
  #passed = 0;
  /** Passes the chunks that have been read through the shape, one after another. */
  #coming: Promise<void> = Promise.resolve();
  #gathered: Buffer[] = [];

  constructor(options: FaultyPipeOptions) {
    this.#options = options;
    this.#at = options.at;
    const { source } = options;
    source.on("data", (chunk: Buffer) => {
      source.pause();
      this.#then(async () => {
        await this.#pass(chunk);
        if (this.#mode !== "standing") source.resume();
      });
    });
    source.on("end", () => this.#then(() => this.#finish()));
  }

  get passedBytes(): number {
    return this.#passed;
  }

  /** From now on what comes is read and forgotten. */
  lose(): void {
    this.#mode = "losing";
    this.#options.source.resume();
  }

  /** From now on nothing is read. */
  standStill(): void {
    this.#mode = "standing";
    this.#options.source.pause();
  }

  #then(step: () => Promise<void>): void {
    this.#coming = this.#coming.then(step);
  }

  async #pass(chunk: Buffer): Promise<void> {
    if (this.#mode !== "passing") return;
    const left = this.#at === undefined ? chunk.length : this.#at - this.#passed;
    if (left >= chunk.length) {
      await this.#shape(chunk);
      return;
    }
    await this.#shape(chunk.subarray(0, left));
    await this.#writeGathered();
    this.#at = undefined;
    const rest = Buffer.from(chunk.subarray(left));
    rest[0] = this.#options.onPlace(rest[0] as number);
    await this.#pass(rest);
  }

  async #shape(chunk: Buffer): Promise<void> {
    const { shape, pause } = this.#options;
    const from = this.#passed;
    this.#passed += chunk.length;
    switch (shape.kind) {
      case "as they come":
        return this.#write(chunk);
      case "delay":
        await pause(shape.ms);
        return this.#write(chunk);
      case "split":
        return this.#split(chunk, Math.max(0, shape.until - from), shape.bytes);
      case "coalesce":
        return this.#gather(chunk, shape.bytes, shape.ms);
      case "throttle":
        for (let at = 0; at < chunk.length; at += shape.bytes) {
          await this.#write(chunk.subarray(at, at + shape.bytes));
          await pause(1);
        }
        return;
      case "pause": {
        const before = Math.max(0, shape.at - from);
        if (shape.at < from || before >= chunk.length) return this.#write(chunk);
        await this.#write(chunk.subarray(0, before));
        await pause(shape.ms);
        return this.#write(chunk.subarray(before));
      }
    }
  }

  /** A turn between two pieces lets the other side see them one by one. */
  async #split(chunk: Buffer, length: number, bytes: number): Promise<void> {
    for (let at = 0; at < Math.min(length, chunk.length); at += bytes) {
      await this.#write(chunk.subarray(at, Math.min(at + bytes, length)));
      await nextMacrotask();
    }
    if (length < chunk.length) await this.#write(chunk.subarray(length));
  }

  async #gather(chunk: Buffer, bytes: number, ms: number): Promise<void> {
    this.#gathered.push(chunk);
    const size = this.#gathered.reduce((sum, { length }) => sum + length, 0);
    if (size >= bytes) {
      await this.#writeGathered();
    } else if (this.#gathered.length === 1) {
      void this.#options.pause(ms).then(() => this.#writeGathered());
    }
  }

  async #writeGathered(): Promise<void> {
    const gathered = this.#gathered;
    this.#gathered = [];
    if (gathered.length > 0) await this.#write(Buffer.concat(gathered));
  }

  /** Resolves when the kernel has it, or the target is gone. */
  #write(bytes: Buffer): Promise<void> {
    const { target } = this.#options;
    if (bytes.length === 0 || this.#mode !== "passing" || target.destroyed) return Promise.resolve();
    return new Promise((resolve) => target.write(bytes, () => resolve()));
  }

  async #finish(): Promise<void> {
    await this.#writeGathered();
    if (this.#mode === "passing") this.#options.target.end();
  }
}
