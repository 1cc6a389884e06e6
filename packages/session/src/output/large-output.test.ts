import { once } from "node:events";
import type { Duplex } from "node:stream";
import { tcp } from "@ipc/transport";
import { expect, it, onTestFinished } from "vitest";
import { HeldStream } from "../../test/held-sender.js";
import { recordPair } from "../../test/record-pair.js";
import type { MessageEncoder } from "../codec/codec.js";
import { PlainCodec } from "../codec/frame-codec.js";
import { FrameOutput } from "./frame-output.js";

/** Sends a message, and returns its chunks of 16 KiB and more when the kernel has them. @param onPortion called with those so far */
async function chunksAfterWriting(
  stream: Duplex,
  encoder: MessageEncoder,
  bytes = 600_000,
  onPortion: (chunks: readonly Uint8Array[]) => void = () => {},
): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  const encodePortions = encoder.encodePortions.bind(encoder);
  encoder.encodePortions = function* (type, data) {
    for (const portions = encodePortions(type, data); ; ) {
      const { done, value } = portions.next();
      if (done === true) return;
      chunks.push(...value.filter((chunk) => chunk.length >= 16_384));
      onPortion(chunks);
      yield value;
    }
  };
  const failed = (error: Error): never => {
    throw error;
  };
  const output = new FrameOutput({ stream, encoder, busyPollUs: 0, resend: undefined, written: () => {}, failed });
  output.addLarge(1, new Uint8Array(bytes));
  await output.whenFlushed(undefined);
  return chunks;
}

const lengths = (chunks: readonly Uint8Array[]): number[] => chunks.map((chunk) => chunk.length);

/** Returns a socket of the transport whose peer reads all, a chunk in each turn of the event loop: the kernel's buffers are full. */
async function dialledSocket(): Promise<Duplex> {
  const read = (stream: Duplex): void => {
    stream.on("data", () => {
      stream.pause();
      setImmediate(() => stream.resume());
    });
  };
  const listener = await tcp({ port: 0 }).listen("orders", { kind: "name" }, read, {});
  onTestFinished(() => listener.close());
  const socket = await tcp({ port: Number(listener.address.split(":")[1]) }).dial("orders", { kind: "name" }, {});
  onTestFinished(async () => {
    socket.destroy();
    await once(socket, "close");
  });
  return socket;
}

it("frees the ciphertext of a large message when a socket has written it", async () => {
  expect(lengths(await chunksAfterWriting(await dialledSocket(), recordPair()[0]))).toEqual([0, 0, 0]);
});

it("has at most two records of a message in memory: one that waits for the kernel, and the next", async () => {
  let most = 0;
  const chunks = await chunksAfterWriting(await dialledSocket(), recordPair()[0], 30_000_000, (records) => {
    most = Math.max(most, records.filter((record) => record.length > 0).length);
  });
  expect(chunks).toHaveLength(115);
  expect(most).toBeLessThanOrEqual(2);
});

it("leaves the data of an unencrypted message alone", async () => {
  expect(lengths(await chunksAfterWriting(await dialledSocket(), new PlainCodec()))).toEqual([600_000]);
});

it("leaves what it has given to a socket alone whose `write` was replaced by one that may keep it", async () => {
  const socket = await dialledSocket();
  socket.write = socket.write.bind(socket) as typeof socket.write;
  expect(lengths(await chunksAfterWriting(socket, recordPair()[0]))).toEqual([262_136, 262_144, 75_720]);
});

it("leaves what it has given to a caller's stream alone, which may keep it", async () => {
  expect(lengths(await chunksAfterWriting(new HeldStream(), recordPair()[0]))).toEqual([262_136, 262_144, 75_720]);
});
