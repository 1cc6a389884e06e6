import { Duplex } from "node:stream";
import type { RecordCipherOptions } from "@ipc/crypto";
import { describe, expect, it } from "vitest";
import { recordPair, recordsIn } from "../../test/record-pair.js";
import { unawaitedWrites } from "../../test/silent-slips.js";
import { someSession } from "../../test/some-session.js";
import type { MessageCodec } from "../codec/codec.js";
import type { IpcError } from "../errors.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import { SharedBudget } from "../shared-budget.js";
import { Sender } from "./sender.js";
import { WriteQueue } from "./write-queue.js";

/** A kernel that takes nothing until the test says so. */
class HeldStream extends Duplex {
  readonly taken: Buffer[] = [];
  #done: (() => void) | undefined;
  holds = false;

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.taken.push(Buffer.from(chunk));
    if (this.holds) this.#done = done;
    else done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), "buffer", done);
  }

  release(): void {
    this.holds = false;
    this.#done?.();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.taken);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const bytes = (length: number): Uint8Array => new Uint8Array(length);

interface Secure {
  readonly sender: Sender;
  readonly stream: HeldStream;
  readonly far: MessageCodec;
  readonly exhausted: IpcError[];
}

interface SecureOptions extends RecordCipherOptions {
  readonly maxQueuedBytes?: number;
  readonly budget?: SharedBudget;
  readonly session?: ResumableSession;
}

function secureSender(options: SecureOptions = {}): Secure {
  const { maxQueuedBytes = 1_048_576, budget, session, ...records } = options;
  const [encoder, far] = recordPair(records);
  const stream = new HeldStream();
  const exhausted: IpcError[] = [];
  const waiting = new WriteQueue(maxQueuedBytes, unawaitedWrites);
  const sender = new Sender({
    stream,
    encoder,
    maxQueuedBytes,
    busyPollUs: 0,
    budget,
    waiting,
    exhausted: (error) => exhausted.push(error),
    session,
  });
  return { sender, stream, far, exhausted };
}

/** Decodes all written bytes as the far end does: `type:length`. */
function messagesAt(far: MessageCodec, written: Buffer): string[] {
  const decoder = far.createDecoder(10_000_000);
  decoder.push(new Uint8Array(written));
  const shown: string[] = [];
  for (let next = decoder.nextMessage(); next !== undefined; next = decoder.nextMessage()) {
    shown.push(`${next.type}:${next.data.length}`);
  }
  return shown;
}

describe("messages become records:", () => {
  it("all small ones of a tick become one record", async () => {
    const { sender, stream, far } = secureSender();
    for (let type = 1; type <= 15; type++) void sender.write(type, bytes(64), undefined);
    expect(stream.taken).toHaveLength(0);
    await turn();
    expect(recordsIn(stream.bytes)).toEqual([`2:${15 * (8 + 64)}`]);
    expect(stream.taken).toHaveLength(1);
    expect(messagesAt(far, stream.bytes)).toEqual(Array.from({ length: 15 }, (_, i) => `${i + 1}:64`));
  });

  it("of those of a tick four times sixteen leave at once, the rest at the tick's end; so does the next tick", async () => {
    const { sender, stream } = secureSender();
    const atOnce = new Array(4).fill(`2:${16 * (8 + 64)}`);
    for (let tick = 0; tick < 2; tick++) {
      stream.taken.length = 0;
      for (let type = 1; type <= 100; type++) void sender.write(type, bytes(64), undefined);
      expect(recordsIn(stream.bytes)).toEqual(atOnce);
      await turn();
      expect(recordsIn(stream.bytes)).toEqual([...atOnce, `2:${36 * (8 + 64)}`]);
    }
  });

  it.each([
    ["requests and their answers, of other bytes, are cut behind the same number", 16, [76, 80]],
    ["less than 1 000 bytes are not cut behind sixteen, but behind twice as many", 32, [24, 52]],
    ["more than 3 KiB are cut behind any number", 3, [1_020, 1_400]],
  ])("%s: %i", async (_what, messages, lengths) => {
    for (const length of lengths) {
      const { sender, stream } = secureSender();
      for (let count = 0; count < messages; count++) {
        expect(recordsIn(stream.bytes)).toEqual([]);
        void sender.write(1, bytes(length), undefined);
      }
      expect(recordsIn(stream.bytes)).toEqual([`2:${messages * (8 + length)}`]);
      await turn();
      expect(recordsIn(stream.bytes)).toHaveLength(1);
    }
  });

  it("a single one is sent in the same macrotask, before any other", async () => {
    const { sender, stream } = secureSender();
    await sender.write(1, bytes(5), undefined);
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(recordsIn(stream.bytes)).toEqual(["2:13"]);
  });

  it("those of each tick become another record", async () => {
    const { sender, stream } = secureSender();
    for (const count of [1, 3, 2]) {
      for (let i = 0; i < count; i++) void sender.write(1, bytes(2), undefined);
      await turn();
    }
    expect(recordsIn(stream.bytes)).toEqual(["2:10", "2:30", "2:20"]);
  });

  it("those of a tick become several records of at most 64 KiB when one is too small", async () => {
    const { sender, stream, far } = secureSender({ maxQueuedBytes: 10_000_000 });
    for (let type = 1; type <= 3_000; type++) void sender.write(type, bytes(100), undefined);
    await sender.flush(undefined);
    const records = recordsIn(stream.bytes).map((record) => Number(record.split(":")[1]));
    expect(records.reduce((sum, length) => sum + length, 0)).toBe(3_000 * 108);
    expect(records.every((length) => length > 0 && length + 20 <= 65_536)).toBe(true);
    expect(messagesAt(far, stream.bytes)).toHaveLength(3_000);
  });

  it.each([
    [65_508, ["2:65516"]],
    [65_509, ["2:65517"]],
    [65_536, ["2:65544"]],
    [262_136, ["2:262144"]],
    [262_137, ["2:262144", "2:1"]],
    [524_280, ["2:262144", "2:262144"]],
    [524_281, ["2:262144", "2:262144", "2:1"]],
    [3_145_728, [...new Array<string>(12).fill("2:262144"), "2:8"]],
  ])("a message of %i bytes becomes as few records as its length allows", async (length, records) => {
    const { sender, stream, far } = secureSender();
    await sender.write(7, bytes(length), undefined);
    await sender.flush(undefined);
    expect(recordsIn(stream.bytes)).toEqual(records);
    expect(messagesAt(far, stream.bytes)).toEqual([`7:${length}`]);
  });

  it("small and large ones in turn keep the order of the writes", async () => {
    const { sender, stream, far } = secureSender({ maxQueuedBytes: 10_000_000 });
    const lengths = [1, 65_536, 2, 200_000, 65_535, 3, 0, 65_508, 65_509, 700_000, 4];
    for (const [index, length] of lengths.entries()) void sender.write(index + 1, bytes(length), undefined);
    await sender.flush(undefined);
    expect(messagesAt(far, stream.bytes)).toEqual(lengths.map((length, index) => `${index + 1}:${length}`));
  });

  it("the records are the same after a rekeying, also within a large message", async () => {
    const { sender, stream, far } = secureSender({ rekeyInterval: 2, maxQueuedBytes: 10_000_000 });
    for (const length of [1, 1_000_000, 1, 1_000_000]) void sender.write(1, bytes(length), undefined);
    await sender.flush(undefined);
    expect(messagesAt(far, stream.bytes)).toEqual(["1:1", "1:1000000", "1:1", "1:1000000"]);
  });
});

describe("the queued byte count", () => {
  it("is that of the bytes on the wire, before and after they are sealed", async () => {
    const { sender, stream } = secureSender();
    stream.holds = true;
    expect(sender.queuedBytes).toBe(0);
    for (let i = 1; i <= 3; i++) {
      void sender.write(1, bytes(10), undefined);
      expect(sender.queuedBytes).toBe(20 + i * 18);
    }
    await turn();
    expect(sender.queuedBytes).toBe(20 + 3 * 18);
    void sender.write(1, bytes(300_000), undefined);
    const all = 20 + 3 * 18 + 20 + 20 + 300_008;
    expect(sender.queuedBytes).toBe(all);
    stream.release();
    await sender.flush(undefined);
    expect([sender.queuedBytes, stream.bytes.length]).toEqual([0, all]);
  });

  it("is added to a shared budget by the same bytes, and is taken off again", async () => {
    const budget = new SharedBudget(1_000_000);
    const { sender, stream } = secureSender({ budget });
    stream.holds = true;
    void sender.write(1, bytes(10), undefined);
    expect(budget.used).toBe(38);
    await turn();
    void sender.write(1, bytes(70_000), undefined);
    expect(budget.used).toBe(38 + 70_028);
    stream.release();
    await sender.flush(undefined);
    expect(budget.used).toBe(0);
  });

  it("makes writes wait unsealed past maxQueuedBytes, and accepts them in order", async () => {
    const { sender, stream, far } = secureSender({ maxQueuedBytes: 10_000 });
    stream.holds = true;
    await sender.write(1, bytes(20_000), undefined);
    const waiting = [sender.write(2, bytes(100), undefined), sender.write(3, bytes(70_000), undefined)];
    await turn();
    expect(recordsIn(stream.bytes)).toEqual(["2:20008"]);
    stream.release();
    await Promise.all(waiting);
    await sender.flush(undefined);
    expect(messagesAt(far, stream.bytes)).toEqual(["1:20000", "2:100", "3:70000"]);
  });
});

describe("a sealer that seals no more", () => {
  it("ends the connection, writes the bytes sealed before, and rejects a flush with the rest", async () => {
    const { sender, stream, exhausted } = secureSender({ recordLimit: 2 });
    await sender.write(1, bytes(5), undefined);
    await turn();
    await sender.write(2, bytes(5), undefined);
    const refused = { code: "IPC_CIPHER_EXHAUSTED" };
    await expect(sender.flush(undefined)).rejects.toMatchObject(refused);
    expect(exhausted).toEqual([expect.objectContaining(refused)]);
    expect(recordsIn(stream.bytes)).toEqual(["2:13"]);
    expect(sender.unsent).toEqual({ messages: 1, bytes: 33 });
    await expect(sender.write(3, bytes(5), undefined)).rejects.toMatchObject(refused);
  });

  it.each([60_000, 70_000])(
    "rejects the message of %d bytes that meets the failure, which counts nowhere",
    async (length) => {
      const budget = new SharedBudget(1_000_000);
      const { sender, exhausted } = secureSender({ recordLimit: 2, budget });
      await sender.write(1, bytes(5), undefined);
      await turn();
      await sender.write(2, bytes(60_000), undefined);
      const refused = { code: "IPC_CIPHER_EXHAUSTED" };
      await expect(sender.write(3, bytes(length), undefined)).rejects.toMatchObject(refused);
      await turn();
      expect([sender.acceptedMessages, sender.acceptedBytes, budget.used]).toEqual([2, 60_005, 0]);
      expect(exhausted).toHaveLength(1);
    },
  );

  it("ends the connection within a large message, whose write is rejected like the one behind it", async () => {
    const { sender, stream, exhausted } = secureSender({ recordLimit: 2 });
    const refused = { code: "IPC_CIPHER_EXHAUSTED" };
    const large = sender.write(1, bytes(1_000_000), undefined);
    const behind = sender.write(2, bytes(5), undefined);
    await expect(large).rejects.toMatchObject(refused);
    await expect(behind).rejects.toMatchObject(refused);
    expect(exhausted).toEqual([expect.objectContaining(refused)]);
    expect(recordsIn(stream.bytes)).toEqual(["2:262144"]);
    await expect(sender.flush(undefined)).rejects.toMatchObject(refused);
  });

  it("rejects no write of a large message that a session keeps, and leaves it to the next connection", async () => {
    const session = someSession({ bufferBytes: 10_000_000 });
    const { sender, exhausted } = secureSender({ recordLimit: 2, session });
    sender.start();
    await sender.write(1, bytes(1_000_000), undefined);
    expect([sender.acceptedMessages, session.resend.last]).toEqual([1, 1]);
    expect(exhausted).toEqual([expect.objectContaining({ code: "IPC_CIPHER_EXHAUSTED" })]);
  });
});

it("sends no close_notify when its deadline passed after the flush, and does not wait for one", async () => {
  const { sender, stream } = secureSender();
  stream.holds = true;
  await expect(sender.closeNotify(AbortSignal.abort("late"))).rejects.toMatchObject({
    code: "IPC_ABORTED",
    cause: "late",
  });
  expect(stream.taken).toEqual([]);
});
