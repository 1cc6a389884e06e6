import { Duplex } from "node:stream";
import { FrameDecoder } from "@ipc/framing";
import { PlainCodec } from "../src/codec/frame-codec.js";
import { Sender } from "../src/connection/sender.js";
import { WriteQueue } from "../src/connection/write-queue.js";
import type { SharedBudget } from "../src/shared-budget.js";
import { unawaitedWrites } from "./silent-slips.js";

/** A stream whose kernel is the test: it has a write when the test says so. */
export class HeldStream extends Duplex {
  readonly writes: Buffer[] = [];
  readonly #held: ((error?: Error) => void)[] = [];
  holds = false;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.writes.push(chunk);
    if (this.holds) this.#held.push(done);
    else done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "buffer", done);
  }

  /** Lets the write under way reach the kernel. */
  async release(): Promise<void> {
    this.#held.shift()?.();
    await nextTurn();
  }

  /** Fails the write under way, as the kernel does when the peer is gone. */
  fail(error: Error): void {
    this.#held.shift()?.(error);
  }

  async releaseAll(): Promise<void> {
    this.holds = false;
    while (this.#held.length > 0) await this.release();
  }

  /** What was written, as messages. */
  messages(): string[] {
    const decoder = new FrameDecoder({ maxBodyLength: 10_000_000 });
    const shown: string[] = [];
    for (const write of this.writes) {
      decoder.push(new Uint8Array(write));
      for (let next = decoder.nextMessage(); next !== undefined; next = decoder.nextMessage()) {
        shown.push(`${next.type}:${next.data.length}`);
      }
    }
    decoder.end();
    return shown;
  }
}

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function heldSender(
  maxQueuedBytes = 1_048_576,
  budget?: SharedBudget,
  busyPollUs = 0,
): { sender: Sender; stream: HeldStream; waiting: WriteQueue } {
  const stream = new HeldStream();
  const waiting = new WriteQueue(maxQueuedBytes, unawaitedWrites);
  const exhausted = (error: Error): never => {
    throw error;
  };
  const encoder = new PlainCodec();
  const sender = new Sender({ stream, encoder, maxQueuedBytes, busyPollUs, budget, waiting, exhausted });
  return { sender, stream, waiting };
}

export function bytes(length: number): Uint8Array {
  return new Uint8Array(length);
}

export async function stateOf(promise: Promise<unknown>): Promise<"pending" | "settled"> {
  return Promise.race([
    promise.then(
      () => "settled" as const,
      () => "settled" as const,
    ),
    nextTurn().then(() => "pending" as const),
  ]);
}
