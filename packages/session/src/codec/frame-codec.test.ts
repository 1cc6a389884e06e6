import { createSecretKey } from "node:crypto";
import { CountedNonces, MessageCipher } from "@ipc/crypto";
import { encodeFrame, encodeMessage } from "@ipc/framing";
import { assert, integer, nat, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { encodedBytes } from "../../test/encoded-bytes.js";
import type { MessageCodec, MessageDecoder } from "./codec.js";
import { GolangIpcCodec, PlainCodec } from "./frame-codec.js";

const KEY = createSecretKey(new Uint8Array(32).fill(7));
const PREFIX = new Uint8Array(8).fill(0x11);

const plain = (): MessageCodec => new PlainCodec();
const sealed = (): MessageCodec => new GolangIpcCodec(new MessageCipher(KEY, { nonces: new CountedNonces(PREFIX, 1) }));

function frameOf(codec: MessageCodec, type: number, data: Uint8Array): Uint8Array {
  const frame = new Uint8Array(codec.frameOverhead + data.length);
  codec.writeFrame(frame, 0, type, data);
  return frame;
}

function decoderFor(codec: MessageCodec, ...chunks: Uint8Array[]): MessageDecoder {
  const decoder = codec.createDecoder(200_000);
  for (const chunk of chunks) decoder.push(chunk);
  return decoder;
}

test("a plain connection announces its end by a GOAWAY when both sides have control frames", () => {
  const announced = Buffer.from(new PlainCodec("GOAWAY").closeNotify() ?? []).toString("hex");
  expect(announced).toBe(`0000001600000000030000000000000000000000000000000000`);
  expect([plain().closeNotify(), sealed().closeNotify()]).toEqual([undefined, undefined]);
});

test("plain messages of a chunk share its memory, and each sealed one has its own", () => {
  const shared = [plain, sealed].map((make) => {
    const out = make();
    const both = Buffer.concat([frameOf(out, 1, Uint8Array.of(1)), frameOf(out, 2, Uint8Array.of(2))]);
    const decoder = decoderFor(make(), Uint8Array.from(both));
    const buffers = [decoder.nextMessage()?.data.buffer, decoder.nextMessage()?.data.buffer];
    return [decoder.sharedBuffer === buffers[0], buffers[0] === buffers[1]];
  });
  expect(shared).toEqual([
    [true, true],
    [false, false],
  ]);
});

describe.each([
  ["plain", plain],
  ["sealed", sealed],
])("a %s message", (_mode, make) => {
  test("decodes to its input when written as one frame or in portions", () => {
    assert(
      property(integer({ min: 0, max: 0xffff_ffff }), uint8Array({ maxLength: 3_000 }), (type, data) => {
        const out = make();
        const decoder = decoderFor(make(), frameOf(out, type, data), encodedBytes(out, type, data));
        expect(decoder.nextMessage()).toEqual({ type, data });
        expect(decoder.nextMessage()).toEqual({ type, data });
        expect(decoder.nextMessage()).toBeUndefined();
        decoder.end();
      }),
    );
  });

  test.each([0, 1, 1_019, 1_020, 1_021, 65_536])(
    "of %i bytes encodes to the same bytes in one frame and in portions",
    (length) => {
      const data = Uint8Array.from({ length }, (_, index) => index & 0xff);
      const frame = frameOf(make(), 9, data);
      expect(encodedBytes(make(), 9, data).equals(frame)).toBe(true);
      expect(frame).toHaveLength(make().frameOverhead + length);
    },
  );

  test("writes only to its own range of the buffer", () => {
    assert(
      property(uint8Array({ maxLength: 50 }), nat(9), (data, offset) => {
        const frame = frameOf(make(), 3, data);
        const target = new Uint8Array(offset + frame.length + 2).fill(0xee);
        make().writeFrame(target, offset, 3, data);
        expect(target).toEqual(Uint8Array.of(...new Uint8Array(offset).fill(0xee), ...frame, 0xee, 0xee));
      }),
    );
  });

  test("decodes to data in a plain Uint8Array", () => {
    const message = decoderFor(make(), Buffer.from(frameOf(make(), 1, Buffer.from("hello")))).nextMessage();
    expect(Object.getPrototypeOf(message?.data)).toBe(Uint8Array.prototype);
  });
});

describe("a plain connection", () => {
  test("sends the frames of the framing layer", () => {
    const data = Uint8Array.of(1, 2, 3);
    expect(frameOf(plain(), 0x8000_0000, data)).toEqual(encodeMessage(0x8000_0000, data));
  });

  test("does not copy the data of a large message", () => {
    const data = new Uint8Array(100_000);
    expect(plain().encodePortions(1, data).next().value?.[1]).toBe(data);
  });

  test("reports that nothing protects it", () => {
    expect(plain().security).toEqual({ mode: "plain", peer: { psk: false } });
  });
});

describe("a sealed connection", () => {
  test("reports golang-ipc's encryption as its protection", () => {
    expect(sealed().security).toEqual({ mode: "compatible", peer: { psk: false } });
  });

  test.each([5, 3_000])("seals type and data together, %i bytes of it", (length) => {
    const data = new Uint8Array(length).fill(0xaa);
    const body = frameOf(sealed(), 0x0102_0304, data).subarray(4);
    const opened = new MessageCipher(KEY).open(body);
    expect(Buffer.from(opened).equals(Buffer.of(1, 2, 3, 4, ...data))).toBe(true);
  });

  test("keeps no byte of a long message in the short one after it", () => {
    const codec = sealed();
    frameOf(codec, 1, new Uint8Array(500).fill(0xaa));
    const body = frameOf(codec, 2, Uint8Array.of(1)).subarray(4);
    expect([...new MessageCipher(KEY).open(body)]).toEqual([0, 0, 0, 2, 1]);
  });

  test("returns no byte of a frame when its tag is wrong", () => {
    const frame = frameOf(sealed(), 1, Uint8Array.of(1, 2, 3));
    for (let at = 4; at < frame.length; at++) {
      const altered = frame.slice();
      altered[at] = (altered[at] as number) ^ 1;
      expect(() => decoderFor(sealed(), altered).nextMessage()).toThrow(
        expect.objectContaining({ code: "IPC_DECRYPTION_FAILED" }),
      );
    }
  });

  test("rejects a body that cannot hold a sealed type, and accepts the shortest that can", () => {
    expect(() => decoderFor(sealed(), encodeFrame(new Uint8Array(31))).nextMessage()).toThrow(
      expect.objectContaining({ code: "IPC_FRAME_TOO_SHORT" }),
    );
    const shortest = frameOf(sealed(), 1, new Uint8Array(0));
    expect(decoderFor(sealed(), shortest).nextMessage()).toEqual({ type: 1, data: new Uint8Array(0) });
  });
});
