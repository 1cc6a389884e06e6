import { describe, expect, test } from "vitest";
import { FrameDecoder } from "./frame-decoder.js";
import { FrameError } from "./frame-error.js";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** Calls `take` and returns what it threw. */
function thrownBy(take: () => unknown): unknown {
  try {
    take();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

function pushed(text: string, maxBodyLength = 10, minBodyLength = 4): FrameDecoder {
  const decoder = new FrameDecoder({ maxBodyLength, minBodyLength });
  decoder.push(hex(text));
  return decoder;
}

describe("the decoder", () => {
  test("accepts a length at the limit, in one chunk and byte by byte", () => {
    const stream = hex("0000000a 00010203040506070809");
    const whole = new FrameDecoder({ maxBodyLength: 10 });
    whole.push(stream);
    expect(whole.next()).toEqual(stream.subarray(4));
    const bytes = new FrameDecoder({ maxBodyLength: 10 });
    for (const [index, byte] of stream.entries()) {
      bytes.push(Uint8Array.of(byte));
      expect(bytes.next()).toEqual(index === 13 ? stream.subarray(4) : undefined);
    }
  });

  test.each([
    ["0000000b", 10, 11],
    ["ffffffff", 10, 4_294_967_295],
    ["80000000", 1_073_741_852, 2_147_483_648],
    // An HTTP client that lost its way.
    ["47455420", 3_145_732, 1_195_725_856],
  ])("rejects %s when the limit is %i, before any byte of the body arrives", (header, limit, announced) => {
    const error = thrownBy(() => pushed(header, limit).next());
    expect(error).toBeInstanceOf(FrameError);
    expect(error).toMatchObject({
      code: "IPC_FRAME_TOO_LARGE",
      message: expect.stringContaining(`frame too large: body of ${announced} bytes, limit ${limit}`),
    });
  });

  test.each([0, 1, 2, 3])("rejects a length of %i, which leaves no room for a type", (length) => {
    const error = thrownBy(() => pushed(`0000000${length} aabbcc`).next());
    expect(error).toBeInstanceOf(FrameError);
    expect(error).toMatchObject({
      code: "IPC_FRAME_TOO_SHORT",
      message: expect.stringContaining(`frame too short: body of ${length} bytes, minimum 4`),
    });
  });

  test("rejects a length under minBodyLength, with the figures", () => {
    const sealed = (length: string): FrameDecoder => pushed(`000000${length}`, 100, 32);
    expect(thrownBy(() => sealed("1f").next())).toMatchObject({
      code: "IPC_FRAME_TOO_SHORT",
      message: expect.stringContaining("frame too short: body of 31 bytes, minimum 32"),
    });
    expect(sealed("20").next()).toBeUndefined();
  });

  test("rejects a length under 4 in nextMessage, even if minBodyLength allows it", () => {
    const decoder = pushed("00000003 aabbcc", 10, 0);
    expect(thrownBy(() => decoder.nextMessage())).toMatchObject({
      code: "IPC_FRAME_TOO_SHORT",
      message: expect.stringContaining("frame too short: body of 3 bytes, minimum 4"),
    });
    expect(pushed("00000003 aabbcc", 10, 0).next()).toEqual(hex("aabbcc"));
  });

  test.each([1, 2, 3])("rejects a length that arrives in two chunks, cut after %i", (cut) => {
    const header = hex("0000000b");
    const decoder = new FrameDecoder({ maxBodyLength: 10 });
    decoder.push(header.subarray(0, cut));
    expect(decoder.next()).toBeUndefined();
    decoder.push(header.subarray(cut));
    expect(thrownBy(() => decoder.next())).toMatchObject({ code: "IPC_FRAME_TOO_LARGE" });
  });

  test("returns the good frames before it rejects a bad length", () => {
    const decoder = pushed("00000004 00000001 00000005 00000002aa 0000000b 00");
    expect(decoder.next()).toEqual(hex("00000001"));
    expect(decoder.nextMessage()).toEqual({ type: 2, data: hex("aa") });
    expect(thrownBy(() => decoder.next())).toMatchObject({ code: "IPC_FRAME_TOO_LARGE" });
  });
});

describe("a decoder that failed", () => {
  const broken: readonly [code: string, breakIt: (decoder: FrameDecoder) => void][] = [
    [
      "IPC_FRAME_TOO_LARGE",
      (decoder) => {
        decoder.push(hex("0000000b"));
        decoder.next();
      },
    ],
    [
      "IPC_FRAME_TOO_SHORT",
      (decoder) => {
        decoder.push(hex("0000"));
        decoder.next();
        decoder.push(hex("0003"));
        decoder.nextMessage();
      },
    ],
    [
      "IPC_FRAME_TRUNCATED",
      (decoder) => {
        decoder.push(hex("00000006 0000"));
        decoder.next();
        decoder.end();
      },
    ],
  ];

  test.each(broken)("with %s throws the same error on every later call, and keeps no bytes", (code, breakIt) => {
    const decoder = new FrameDecoder({ maxBodyLength: 10 });
    const error = thrownBy(() => breakIt(decoder));
    expect(error).toMatchObject({ code });
    expect(decoder.bufferedBytes).toBe(0);
    for (const call of [
      () => decoder.next(),
      () => decoder.nextMessage(),
      () => decoder.end(),
      () => decoder.push(hex("00000004 00000001")),
      () => decoder.next(),
    ]) {
      expect(thrownBy(call)).toBe(error);
    }
    expect(decoder.bufferedBytes).toBe(0);
  });
});

describe("the decoder, when the caller has transferred the memory of a frame,", () => {
  const detach = ({ buffer }: Uint8Array): unknown => structuredClone(buffer, { transfer: [buffer as ArrayBuffer] });

  test.each([
    ["next", (decoder: FrameDecoder) => decoder.next()],
    ["nextMessage", (decoder: FrameDecoder) => decoder.nextMessage()],
    ["push", (decoder: FrameDecoder) => decoder.push(hex("00"))],
    ["end", (decoder: FrameDecoder) => decoder.end()],
  ])("throws for the frames that lie behind it, in %s", (_what, call) => {
    const decoder = pushed("00000004 00000001 00000004 00000002");
    detach(decoder.next() as Uint8Array);
    const error = thrownBy(() => call(decoder));
    expect(error).toBeInstanceOf(FrameError);
    expect(error).toMatchObject({ code: "IPC_FRAME_TRUNCATED", message: expect.stringContaining("transferred") });
    expect(thrownBy(() => decoder.next())).toBe(error);
    expect(decoder.bufferedBytes).toBe(0);
  });

  test("goes on when no frame lies behind it", () => {
    const decoder = pushed("00000004 00000001");
    detach(decoder.next() as Uint8Array);
    decoder.push(hex("00000004 00000002"));
    expect(decoder.nextMessage()).toEqual({ type: 2, data: hex("") });
    decoder.end();
  });
});

describe("the end of the stream", () => {
  // Frames of 8, 9 and 14 bytes; the boundaries are 0, 8, 17 and 31.
  const stream = hex("00000004 00000001 00000005 00000002aa 0000000a 00000003 010203040506");
  const frames: readonly [start: number, size: number][] = [
    [0, 8],
    [8, 9],
    [17, 14],
  ];

  /** Returns the error of `end` after `length` bytes, pushed one by one or at once. */
  function endAfter(length: number, step: number): unknown {
    const decoder = new FrameDecoder({ maxBodyLength: 10 });
    for (let at = 0; at < length; at += step) {
      decoder.push(stream.subarray(at, Math.min(at + step, length)));
      while (decoder.next() !== undefined);
    }
    try {
      decoder.end();
    } catch (error) {
      return error;
    }
    return "in order";
  }

  test.each([1, 5, 31])(
    "is accepted at a frame boundary and is an error within a frame, after any number of bytes, in chunks of %i",
    (step) => {
      expect(endAfter(31, step)).toBe("in order");
      for (let length = 0; length < stream.length; length++) {
        const [start, size] = frames.findLast(([first]) => first <= length) as [number, number];
        const here = length - start;
        if (here === 0) {
          expect(endAfter(length, step)).toBe("in order");
          continue;
        }
        const wanted = here < 4 ? "an unknown number of" : size;
        const error = endAfter(length, step);
        expect(error).toBeInstanceOf(FrameError);
        expect(error).toMatchObject({
          code: "IPC_FRAME_TRUNCATED",
          message: `stream truncated: end after ${here} of ${wanted} bytes of a frame; the received part is dropped`,
        });
      }
    },
  );
});
