import { createSecretKey } from "node:crypto";
import { MessageCipher } from "@ipc/crypto";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { bytes, HeldStream, nextTurn } from "../../test/held-sender.js";
import { recordPair } from "../../test/record-pair.js";
import { unawaitedWrites } from "../../test/silent-slips.js";
import type { MessageEncoder } from "../codec/codec.js";
import { GolangIpcCodec, PlainCodec } from "../codec/frame-codec.js";
import { Sender } from "./sender.js";
import { WriteQueue } from "./write-queue.js";

const BUDGET_BYTES = 1_024;

const PROTECTIONS: readonly (readonly [string, () => MessageEncoder])[] = [
  ["plain", () => new PlainCodec()],
  ["compatible", () => new GolangIpcCodec(new MessageCipher(createSecretKey(new Uint8Array(32))))],
  ["secure", () => recordPair()[0]],
];

function makeSender(encoder: MessageEncoder, maxQueuedBytes: number) {
  const stream = new HeldStream();
  const waiting = new WriteQueue(maxQueuedBytes, unawaitedWrites);
  const exhausted = (error: Error): never => {
    throw error;
  };
  return {
    stream,
    waiting,
    sender: new Sender({ stream, encoder, maxQueuedBytes, busyPollUs: 0, waiting, exhausted }),
  };
}

/** Small messages, so that many come to stand just at the budget's end, in batches of a few. */
const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("write" as const), length: fc.nat({ max: 30 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("write" as const), length: fc.constantFrom(500, 65_536) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("turn" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("release" as const) }) },
);

describe.each(PROTECTIONS)("%s", (_name, make) => {
  it("accepts a message at once exactly while its queued bytes are under the budget and no write waits", async () => {
    const history = fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 160 }), async (steps) => {
      const { sender, stream, waiting } = makeSender(make(), BUDGET_BYTES);
      stream.holds = true;
      const writes: Promise<unknown>[] = [];
      for (const { do: what, ...rest } of steps) {
        expect(sender.isFree).toBe(waiting.size === 0 && sender.queuedBytes < BUDGET_BYTES);
        if (what === "write") {
          const write = sender.write(1, bytes("length" in rest ? rest.length : 0), undefined);
          writes.push(write.catch(({ code }) => expect(code).toBe("IPC_QUEUE_FULL")));
        } else if (what === "turn") await nextTurn();
        else await stream.release();
      }
      await stream.releaseAll();
      // The queue of writes that wait for room rejects what is past its own bound.
      await Promise.all(writes);
    });
    await fc.assert(history, { numRuns: 200 });
  });

  it("reads the stream's buffered length once a batch, not for each message", async () => {
    const { sender, stream } = makeSender(make(), 1_048_576);
    const asked = vi.spyOn(stream, "writableLength", "get");
    for (let count = 0; count < 1_000; count++) void sender.write(1, bytes(0), undefined);
    await nextTurn();
    expect(stream.writes.length).toBeGreaterThan(0);
    // Before a batch's first frame and behind it, before its head start, and when the kernel has it.
    expect(asked.mock.calls.length).toBeLessThanOrEqual(4 * stream.writes.length + 4);
  });
});
