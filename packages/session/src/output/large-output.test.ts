import { once } from "node:events";
import type { Duplex } from "node:stream";
import { tcp } from "@ipc/transport";
import { expect, it, onTestFinished } from "vitest";
import { HeldStream } from "../../test/held-sender.js";
import { recordPair } from "../../test/record-pair.js";
import type { MessageEncoder } from "../codec/codec.js";
import { PlainCodec } from "../codec/frame-codec.js";
import { FrameOutput } from "./frame-output.js";

/** Sends a message of 600 000 bytes, and returns the lengths of its chunks of 16 KiB and more when the kernel has them. */
async function chunksAfterWriting(stream: Duplex, encoder: MessageEncoder): Promise<number[]> {
  const chunks: Uint8Array[] = [];
  const encodePortions = encoder.encodePortions.bind(encoder);
  encoder.encodePortions = function* (type, data) {
    for (const portions = encodePortions(type, data); ; ) {
      const { done, value } = portions.next();
      if (done === true) return;
      chunks.push(...value);
      yield value;
    }
  };
  const failed = (error: Error): never => {
    throw error;
  };
  const output = new FrameOutput({ stream, encoder, busyPollUs: 0, resend: undefined, written: () => {}, failed });
  output.addLarge(1, new Uint8Array(600_000));
  await output.whenFlushed(undefined);
  return chunks.filter((chunk) => chunk.length === 0 || chunk.length >= 16_384).map((chunk) => chunk.length);
}

/** Returns a socket of the transport whose peer reads all. */
async function dialledSocket(): Promise<Duplex> {
  const listener = await tcp({ port: 0 }).listen("orders", { kind: "name" }, (stream) => void stream.resume(), {});
  onTestFinished(() => listener.close());
  const socket = await tcp({ port: Number(listener.address.split(":")[1]) }).dial("orders", { kind: "name" }, {});
  onTestFinished(async () => {
    socket.destroy();
    await once(socket, "close");
  });
  return socket;
}

it("frees the ciphertext of a large message when a socket has written it", async () => {
  expect(await chunksAfterWriting(await dialledSocket(), recordPair()[0])).toEqual([0, 0, 0]);
});

it("leaves the data of an unencrypted message alone", async () => {
  expect(await chunksAfterWriting(await dialledSocket(), new PlainCodec())).toEqual([600_000]);
});

it("leaves what it has given to a caller's stream alone, which may keep it", async () => {
  expect(await chunksAfterWriting(new HeldStream(), recordPair()[0])).toEqual([262_136, 262_144, 75_720]);
});
