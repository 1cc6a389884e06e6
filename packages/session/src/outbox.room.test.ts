import { createSecretKey } from "node:crypto";
import { MessageCipher } from "@ipc/crypto";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { bytes, HeldStream, nextTurn } from "../test/held-outbox.js";
import { recordPair } from "../test/record-pair.js";
import { Outbox } from "./outbox.js";
import { PlainProtection, type Protection, SealedProtection } from "./protection.js";
import { WaitingWrites } from "./waiting-writes.js";

const BUDGET_BYTES = 1_024;

const PROTECTIONS: readonly (readonly [string, () => Protection])[] = [
  ["plain", () => new PlainProtection()],
  ["compatible", () => new SealedProtection(new MessageCipher(createSecretKey(new Uint8Array(32))))],
  ["secure", () => recordPair()[0]],
];

function makeOutbox(protection: Protection, maxQueuedBytes: number) {
  const stream = new HeldStream();
  const waiting = new WaitingWrites(maxQueuedBytes);
  const exhausted = (error: Error): never => {
    throw error;
  };
  return {
    stream,
    waiting,
    outbox: new Outbox({ stream, protection, maxQueuedBytes, busyPollUs: 0, waiting, exhausted }),
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
  it("takes a message at once exactly while what is queued is under the budget and nobody waits", async () => {
    const history = fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 160 }), async (steps) => {
      const { outbox, stream, waiting } = makeOutbox(make(), BUDGET_BYTES);
      stream.holds = true;
      const writes: Promise<void>[] = [];
      for (const { do: what, ...rest } of steps) {
        expect(outbox.isFree).toBe(waiting.size === 0 && outbox.queuedBytes < BUDGET_BYTES);
        if (what === "write") writes.push(outbox.write(1, bytes("length" in rest ? rest.length : 0), undefined));
        else if (what === "turn") await nextTurn();
        else await stream.release();
      }
      await stream.releaseAll();
      // Those who wait for room refuse what is past their own bound.
      await Promise.allSettled(writes);
    });
    await fc.assert(history, { numRuns: 200 });
  });

  it("asks the stream what it holds once a batch, not for each message", async () => {
    const { outbox, stream } = makeOutbox(make(), 1_048_576);
    const asked = vi.spyOn(stream, "writableLength", "get");
    for (let count = 0; count < 1_000; count++) void outbox.write(1, bytes(0), undefined);
    await nextTurn();
    expect(stream.writes.length).toBeGreaterThan(0);
    // Before a batch's first frame and behind it, and when the kernel has it.
    expect(asked.mock.calls.length).toBeLessThanOrEqual(3 * stream.writes.length + 3);
  });
});
