import type { RecordCipherOptions } from "@ipc/crypto";
import { array, assert, constantFrom, integer, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import { encodedBytes } from "../../test/encoded-bytes.js";
import { recordPair, recordsIn } from "../../test/record-pair.js";
import type { MessageDecoder, MessageEncoder } from "./codec.js";
import type { RecordCodec } from "./record-codec.js";

const PATTERN = Uint8Array.from({ length: 600_000 }, (_, index) => (index * 31) & 0xff);

interface Sent {
  readonly type: number;
  readonly length: number;
}

/** The codec of one end, and the decoder of the other. */
function pair(options: RecordCipherOptions = {}): [near: RecordCodec, far: MessageDecoder] {
  const [near, far] = recordPair(options);
  return [near, far.createDecoder(10_000_000)];
}

const dataOf = ({ length }: Sent): Uint8Array => PATTERN.subarray(0, length);

/** The batch of one tick, sealed. */
function batch(codec: MessageEncoder, messages: readonly Sent[]): Uint8Array {
  const lengths = messages.map(({ length }) => codec.frameOverhead + length);
  const frames = lengths.reduce((sum, length) => sum + length, 0);
  const bytes = new Uint8Array(codec.headroom + frames + codec.tailroom);
  let at = codec.headroom;
  for (const [index, message] of messages.entries()) {
    codec.writeFrame(bytes, at, message.type, dataOf(message));
    at += lengths[index] as number;
  }
  codec.sealBatch(bytes);
  return bytes;
}

function takeAll(far: MessageDecoder): Sent[] {
  const taken: Sent[] = [];
  for (let next = far.nextMessage(); next !== undefined; next = far.nextMessage()) {
    expect(Buffer.compare(next.data, dataOf({ type: next.type, length: next.data.length }))).toBe(0);
    taken.push({ type: next.type, length: next.data.length });
  }
  return taken;
}

describe("records carry the frames", () => {
  const SIZES = [
    ["small", integer({ min: 0, max: 300 }), integer({ min: 1, max: 60 })],
    ["large", constantFrom(0, 5_000, 70_000, 262_136, 262_137, 600_000), integer({ min: 5_000, max: 100_000 })],
  ] as const;

  test.each(SIZES)("for any batches, any portions and any cuts of the stream: %s", (_size, length, chunk) => {
    const message = record({ type: integer({ min: 1, max: 0xffff_ffff }), length });
    const step = record({
      way: constantFrom("batch", "portions"),
      messages: array(message, { minLength: 1, maxLength: 4 }),
    });
    assert(
      property(array(step, { maxLength: 5 }), chunk, (steps, chunkBytes) => {
        const [near, far] = pair({ rekeyInterval: 3 });
        const written: Uint8Array[] = [];
        const expected: Sent[] = [];
        for (const { way, messages } of steps) {
          const total = messages.reduce((sum, each) => sum + each.length, 0);
          if (way === "batch" && total < 60_000) written.push(batch(near, messages));
          else for (const each of messages) written.push(encodedBytes(near, each.type, dataOf(each)));
          expected.push(...messages);
        }
        const stream = Buffer.concat([...written, near.closeNotify()]);
        const taken: Sent[] = [];
        for (let at = 0; at < stream.length; at += chunkBytes) {
          far.push(new Uint8Array(stream.subarray(at, at + chunkBytes)));
          taken.push(...takeAll(far));
        }
        far.end();
        expect(taken).toEqual(expected);
        expect(far.bufferedBytes).toBe(0);
      }),
      { numRuns: 30 },
    );
  });

  test("with 20 extra bytes for each batch, and none for each message", () => {
    const [near] = recordPair();
    expect([near.frameOverhead, near.headroom, near.tailroom]).toEqual([8, 4, 16]);
    expect(
      batch(near, [
        { type: 1, length: 10 },
        { type: 2, length: 0 },
      ]),
    ).toHaveLength(20 + 18 + 8);
  });

  test.each([
    [0, ["2:8"]],
    [65_536, ["2:65544"]],
    [262_136, ["2:262144"]],
    [262_137, ["2:262144", "2:1"]],
    [600_000, ["2:262144", "2:262144", `2:${600_008 - 2 * 262_144}`]],
  ])("in records of at most 256 KiB: %i bytes", (length, records) => {
    const [near] = recordPair();
    expect(recordsIn(encodedBytes(near, 1, new Uint8Array(length)))).toEqual(records);
  });

  test("of which each is sealed when it is asked for", () => {
    const [near, far] = pair();
    const data = new Uint8Array(300_000);
    const sizes: number[] = [];
    const portions = near.encodePortions(1, data);
    for (let portion = portions.next(); portion.done !== true; portion = portions.next()) {
      data[299_999] = 7;
      const bytes = Buffer.concat(portion.value);
      sizes.push(bytes.length);
      far.push(bytes);
    }
    expect(sizes).toEqual([20 + 262_144, 20 + 300_000 - 262_136]);
    expect(far.nextMessage()?.data[299_999]).toBe(7);
  });

  test("and end within a message whose buffer is transferred", () => {
    const [near] = recordPair();
    const data = new Uint8Array(300_000);
    const portions = near.encodePortions(1, data);
    expect(portions.next().done).toBe(false);
    structuredClone(data, { transfer: [data.buffer] });
    expect(portions.next().done).toBe(true);
  });

  test("and report the proofs of the peer", () => {
    const [near] = recordPair();
    expect(near.security).toEqual({ mode: "secure", peer: { psk: false } });
  });
});

describe("a record whose messages are not all taken", () => {
  test("stays sealed until everything before it has been taken", () => {
    const [near, far] = pair();
    const [first, second] = [
      batch(near, [
        { type: 1, length: 3 },
        { type: 2, length: 4 },
      ]),
      batch(near, [{ type: 3, length: 5 }]),
    ];
    second[10] = (second[10] as number) ^ 1;
    far.push(Buffer.concat([first, second]));
    expect(far.nextMessage()).toMatchObject({ type: 1 });
    expect(far.bufferedBytes).toBe(second.length + 12);
    expect(far.nextMessage()).toMatchObject({ type: 2 });
    expect(far.bufferedBytes).toBe(second.length);
    expect(() => far.nextMessage()).toThrow(expect.objectContaining({ code: "IPC_DECRYPTION_FAILED" }));
  });

  test("is held in memory of its own size, and its messages are views into it", () => {
    const [near, far] = pair();
    far.push(
      batch(near, [
        { type: 1, length: 3 },
        { type: 2, length: 4 },
      ]),
    );
    const message = far.nextMessage();
    expect(message?.data.buffer.byteLength).toBe(11 + 12);
    expect(Object.getPrototypeOf(message?.data)).toBe(Uint8Array.prototype);
  });

  test("yields no byte when it was altered", () => {
    const [near] = recordPair();
    const sealed = batch(near, [{ type: 1, length: 40 }]);
    for (let at = 0; at < sealed.length; at++) {
      const [, far] = pair();
      const altered = Uint8Array.from(sealed);
      altered[at] = (altered[at] as number) ^ 0x02;
      far.push(Buffer.concat([altered, new Uint8Array(300_000)]));
      expect(() => takeAll(far)).toThrow(/invalid tag of a record|invalid record|unknown record/);
      expect(() => far.nextMessage()).toThrow();
    }
  });
});

describe("the end of the stream", () => {
  const codeOf = (attempt: () => void): string => {
    try {
      attempt();
    } catch (error) {
      return (error as { readonly code: string }).code;
    }
    return "none";
  };

  test("is orderly behind a CLOSE only", () => {
    const [near, far] = pair();
    expect(codeOf(() => pair()[1].end())).toBe("IPC_RECORD_TRUNCATED");
    far.push(Buffer.concat([batch(near, [{ type: 1, length: 1 }]), near.closeNotify()]));
    expect(takeAll(far)).toHaveLength(1);
    expect(codeOf(() => far.end())).toBe("none");
  });

  test("is not orderly within a record, within the CLOSE, or within a frame", () => {
    const endOf = (bytes: Uint8Array): string => {
      const [, far] = pair();
      far.push(bytes);
      takeAll(far);
      return codeOf(() => far.end());
    };
    const [near] = recordPair();
    const [data, close] = [batch(near, [{ type: 1, length: 30 }]), near.closeNotify()];
    const whole = Buffer.concat([data, close]);
    for (let cut = 0; cut < whole.length; cut++) expect(endOf(whole.subarray(0, cut))).toBe("IPC_RECORD_TRUNCATED");
    expect(endOf(whole)).toBe("none");

    // A message of two records, of which the CLOSE follows the first: everything is authentic, and not all is there.
    const [cutting] = recordPair();
    const half = new Uint8Array(cutting.headroom + 20 + cutting.tailroom);
    half.set([0, 0, 0, 64, 0, 0, 0, 1], cutting.headroom);
    cutting.sealBatch(half);
    expect(endOf(Buffer.concat([half, cutting.closeNotify()]))).toBe("IPC_FRAME_TRUNCATED");
  });

  test("is announced by a CLOSE of 20 bytes, after which nothing more is sealed", () => {
    const [near] = recordPair();
    expect(near.closeNotify()).toHaveLength(20);
    expect(() => batch(near, [{ type: 1, length: 1 }])).toThrow("no record may follow CLOSE");
    expect(() => near.closeNotify()).toThrow("no record may follow CLOSE");
  });
});
