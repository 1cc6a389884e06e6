import { createSecretKey } from "node:crypto";
import { MessageCipher } from "@ipc/crypto";
import { describe, expect, it } from "vitest";
import { bytes, HeldStream, heldSender, nextTurn, stateOf } from "../../test/held-sender.js";
import { unawaitedWrites } from "../../test/silent-slips.js";
import { GolangIpcCodec } from "../codec/frame-codec.js";
import { SessionError } from "../errors.js";
import { Sender } from "./sender.js";
import { WriteQueue } from "./write-queue.js";

describe("batching", () => {
  it("puts few messages of a tick into one write", async () => {
    const { sender, stream } = heldSender();
    for (let type = 1; type <= 15; type++) void sender.write(type, bytes(type), undefined);
    expect(stream.writes).toHaveLength(0);
    await nextTurn();
    expect(stream.writes).toHaveLength(1);
    expect(stream.messages()).toEqual(Array.from({ length: 15 }, (_, i) => `${i + 1}:${i + 1}`));
  });

  it("sends a single message in the same macrotask, without waiting for others", async () => {
    const { sender, stream } = heldSender();
    await sender.write(1, bytes(5), undefined);
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(stream.messages()).toEqual(["1:5"]);
  });

  it("keeps the order where small and large messages alternate", async () => {
    const { sender, stream } = heldSender();
    const lengths = [1, 65_536, 2, 200_000, 65_535, 3, 0, 65_528, 65_529, 4];
    for (const [index, length] of lengths.entries()) void sender.write(index + 1, bytes(length), undefined);
    await sender.flush(undefined);
    expect(stream.messages()).toEqual(lengths.map((length, index) => `${index + 1}:${length}`));
  });

  it("never writes into memory that the stream may still hold", async () => {
    const { sender, stream } = heldSender();
    void sender.write(1, Uint8Array.of(0xaa), undefined);
    await nextTurn();
    const first = Buffer.from(stream.writes[0] as Buffer);
    for (let round = 0; round < 5_000; round++) void sender.write(2, bytes(20), undefined);
    await sender.flush(undefined);
    expect(stream.writes[0]).toEqual(first);
  });
});

describe("the budget", () => {
  it("makes writes wait past it, and accepts them in order when there is room", async () => {
    const { sender, stream, waiting } = heldSender(10_000);
    stream.holds = true;
    const first = sender.write(1, bytes(20_000), undefined);
    expect(await stateOf(first)).toBe("settled");
    const second = sender.write(2, bytes(100), undefined);
    const third = sender.write(3, bytes(100), undefined);
    expect(await stateOf(second)).toBe("pending");
    expect(waiting.size).toBe(2);
    await stream.releaseAll();
    await Promise.all([second, third]);
    await sender.flush(undefined);
    expect(stream.messages()).toEqual(["1:20000", "2:100", "3:100"]);
  });

  it("rejects a write whose signal has fired, also behind others of the tick, and sends nothing of it", async () => {
    const { sender, stream } = heldSender();
    for (let type = 1; type <= 3; type++) await sender.write(type, bytes(4));
    await expect(sender.write(4, bytes(4), AbortSignal.abort())).rejects.toMatchObject({ code: "IPC_ABORTED" });
    await sender.flush(undefined);
    expect(stream.messages()).toEqual(["1:4", "2:4", "3:4"]);
  });

  it("never sends a waiting message that was aborted", async () => {
    const { sender, stream } = heldSender(10_000);
    stream.holds = true;
    void sender.write(1, bytes(20_000), undefined);
    await nextTurn();
    const controller = new AbortController();
    const aborted = sender.write(2, bytes(100), controller.signal);
    const kept = sender.write(3, bytes(100), undefined);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "IPC_ABORTED" });
    await stream.releaseAll();
    await kept;
    await sender.flush(undefined);
    expect(stream.messages()).toEqual(["1:20000", "3:100"]);
  });

  it("rejects a write that exceeds sixteen budgets of waiting messages", async () => {
    const { sender, stream } = heldSender(1_024);
    stream.holds = true;
    void sender.write(1, bytes(2_000), undefined);
    await nextTurn();
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, () => stateOfCode(sender.write(2, bytes(1_000 - 160), undefined))),
    );
    expect(outcomes.filter((code) => code === "IPC_QUEUE_FULL")).toHaveLength(30 - 16);
    await stream.releaseAll();
  });
});

async function stateOfCode(promise: Promise<void>): Promise<string> {
  return Promise.race([
    promise.then(
      () => "resolved",
      (error: { code: string }) => error.code,
    ),
    nextTurn().then(() => "pending"),
  ]);
}

describe("flush", () => {
  it("resolves when the kernel has accepted everything written before, waiting messages too", async () => {
    const { sender, stream } = heldSender(1_024);
    stream.holds = true;
    void sender.write(1, bytes(2_000), undefined);
    void sender.write(2, bytes(10), undefined);
    const flushed = sender.flush(undefined);
    expect(await stateOf(flushed)).toBe("pending");
    await stream.release();
    expect(await stateOf(flushed)).toBe("pending");
    await stream.releaseAll();
    await flushed;
    expect(stream.messages()).toEqual(["1:2000", "2:10"]);
  });

  it("resolves at once when no write is in progress", async () => {
    const { sender } = heldSender();
    expect(await stateOf(sender.flush(undefined))).toBe("settled");
  });

  it("is accepted for any number of waiting messages", async () => {
    const { sender, stream } = heldSender(1_024);
    stream.holds = true;
    void sender.write(1, bytes(2_000), undefined);
    await nextTurn();
    const writes = Array.from({ length: 16 }, () => sender.write(2, bytes(1_000 - 160 + 24), undefined));
    await expect(sender.write(3, bytes(1), undefined)).rejects.toMatchObject({ code: "IPC_QUEUE_FULL" });
    const flushed = sender.flush(undefined);
    await stream.releaseAll();
    await Promise.all([...writes, flushed]);
    expect(stream.messages()).toHaveLength(17);
  });

  it("rejects when it is aborted after the writes before it were accepted, and these are sent", async () => {
    const { sender, stream, waiting } = heldSender(1_024);
    stream.holds = true;
    void sender.write(1, bytes(2_000), undefined);
    await nextTurn();
    void sender.write(2, bytes(10), undefined);
    const controller = new AbortController();
    const flushed = sender.flush(controller.signal);
    await stream.release();
    expect(waiting.size).toBe(0);
    expect(await stateOf(flushed)).toBe("pending");
    controller.abort();
    await expect(flushed).rejects.toMatchObject({ code: "IPC_ABORTED" });
    await stream.releaseAll();
    expect(stream.messages()).toEqual(["1:2000", "2:10"]);
  });

  it("does not stop the accepted messages when it is aborted", async () => {
    const { sender, stream } = heldSender();
    stream.holds = true;
    void sender.write(1, bytes(10), undefined);
    const controller = new AbortController();
    const flushed = sender.flush(controller.signal);
    controller.abort();
    await expect(flushed).rejects.toMatchObject({ code: "IPC_ABORTED" });
    await stream.releaseAll();
    expect(stream.messages()).toEqual(["1:10"]);
  });
});

describe("a large message", () => {
  it("is written uncopied, and resolves when the kernel has accepted it", async () => {
    const { sender, stream } = heldSender();
    stream.holds = true;
    const data = bytes(65_536);
    const written = sender.write(1, data, undefined);
    expect(await stateOf(written)).toBe("pending");
    await stream.releaseAll();
    await written;
    expect(stream.messages()).toEqual(["1:65536"]);
  });
});

describe("a cipher that seals no more", () => {
  it("ends the connection, writes the bytes sealed before, and writes nothing unsealed", async () => {
    const stream = new HeldStream();
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const cipher = new MessageCipher(createSecretKey(new Uint8Array(32)), { messageLimit: 2 });
    const exhausted: Error[] = [];
    const sender = new Sender({
      stream,
      encoder: new GolangIpcCodec(cipher),
      maxQueuedBytes: 1_024,
      busyPollUs: 0,
      waiting,
      exhausted: (error) => {
        exhausted.push(error);
        sender.fail(error);
      },
    });
    await sender.write(1, bytes(5), undefined);
    await sender.write(2, bytes(5), undefined);
    const refused = { code: "IPC_CIPHER_EXHAUSTED" };
    await expect(sender.write(3, bytes(5), undefined)).rejects.toMatchObject(refused);
    await expect(sender.write(4, bytes(5), undefined)).rejects.toMatchObject(refused);
    await nextTurn();
    expect(exhausted).toEqual([expect.objectContaining(refused)]);
    expect(Buffer.concat(stream.writes)).toHaveLength(2 * (4 + 12 + 4 + 5 + 16));
    expect(sender.acceptedMessages).toBe(2);
  });

  it("rejects a large message and a waiting one", async () => {
    for (const length of [65_536, 5]) {
      const stream = new HeldStream();
      stream.holds = true;
      const waiting = new WriteQueue(1_024, unawaitedWrites);
      const cipher = new MessageCipher(createSecretKey(new Uint8Array(32)), { messageLimit: 1 });
      const encoder = new GolangIpcCodec(cipher);
      const exhausted = (error: Error): void => sender.fail(error);
      const sender: Sender = new Sender({
        stream,
        encoder,
        maxQueuedBytes: 1_024,
        busyPollUs: 0,
        waiting,
        exhausted,
      });
      await sender.write(1, bytes(2_000), undefined);
      await nextTurn();
      const refused = sender.write(2, bytes(length), undefined);
      await stream.releaseAll();
      await expect(refused).rejects.toMatchObject({ code: "IPC_CIPHER_EXHAUSTED" });
    }
  });
});

it("destroys a stream whose write throws, with the error as its reason", async () => {
  const { sender, stream } = heldSender();
  const error = new Error("no more");
  stream.write = () => {
    throw error;
  };
  stream.on("error", () => {});
  void sender.write(1, bytes(10), undefined);
  await nextTurn();
  expect([stream.destroyed, stream.errored]).toEqual([true, error]);
});

describe("failure", () => {
  it("rejects every pending call with the figures of what had been accepted", async () => {
    const { sender, stream } = heldSender(1_024);
    stream.holds = true;
    void sender.write(1, bytes(600), undefined);
    void sender.write(2, bytes(600), undefined);
    await nextTurn();
    const waiting = sender.write(3, bytes(10), undefined);
    const flushed = sender.flush(undefined);
    expect(sender.unsent.messages).toBe(2);
    const lost = new SessionError("IPC_CONNECTION_LOST", "cut");
    sender.fail(lost);
    await expect(waiting).rejects.toBe(lost);
    await expect(flushed).rejects.toBe(lost);
    await expect(sender.write(4, bytes(1), undefined)).rejects.toBe(lost);
    expect(sender.unsent.messages).toBe(2);
  });
});
