import { array, assert, boolean, integer, oneof, property, record, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { FrameDecoder } from "./frame-decoder.js";
import { FrameError } from "./frame-error.js";
import { decodeBody, encodeFrame, encodeMessage } from "./frame-layout.js";

const body = oneof(
  { weight: 6, arbitrary: uint8Array({ maxLength: 40 }) },
  { weight: 1, arbitrary: integer({ min: 4_000, max: 20_000 }).map((length) => new Uint8Array(length).fill(length)) },
);
/** The next chunk, in bytes, and whether frames are taken out after it. */
const steps = array(
  record({
    size: oneof(integer({ min: 0, max: 9 }), integer({ min: 0, max: 200 }), integer({ min: 4_000, max: 9_000 })),
    drain: boolean(),
  }),
  { maxLength: 40 },
);

/** Cuts the stream as the steps say; what is left after the last one is one chunk. */
function feed(
  decoder: FrameDecoder,
  stream: Uint8Array,
  plan: readonly { readonly size: number; readonly drain: boolean }[],
  take: () => void,
): void {
  let at = 0;
  for (const { size, drain } of [...plan, { size: stream.length, drain: true }]) {
    decoder.push(stream.subarray(at, at + size));
    at = Math.min(at + size, stream.length);
    if (drain) take();
  }
}

describe("bodies of any size, cut anywhere and read at any time,", () => {
  test("come out unchanged and in order", () => {
    assert(
      property(array(body, { maxLength: 12 }), steps, (bodies, plan) => {
        const decoder = new FrameDecoder({ maxBodyLength: 20_000, minBodyLength: 0 });
        const decoded: Buffer[] = [];
        feed(decoder, Buffer.concat(bodies.map(encodeFrame)), plan, () => {
          for (let next = decoder.next(); next !== undefined; next = decoder.next()) decoded.push(Buffer.from(next));
        });
        decoder.end();
        expect(decoded.map((each) => each.toString("hex"))).toEqual(
          bodies.map((each) => Buffer.from(each).toString("hex")),
        );
      }),
      { numRuns: 300 },
    );
  });

  test("are counted: bufferedBytes is the pushed bytes less the returned bytes", () => {
    assert(
      property(array(body, { maxLength: 8 }), steps, (bodies, plan) => {
        const decoder = new FrameDecoder({ maxBodyLength: 20_000, minBodyLength: 0 });
        const stream = Buffer.concat(bodies.map(encodeFrame));
        let at = 0;
        let out = 0;
        for (const { size, drain } of plan) {
          decoder.push(stream.subarray(at, at + size));
          at = Math.min(at + size, stream.length);
          expect(decoder.bufferedBytes).toBe(at - out);
          for (let next = drain ? decoder.next() : undefined; next !== undefined; next = decoder.next()) {
            out += 4 + next.length;
            expect(decoder.bufferedBytes).toBe(at - out);
          }
          expect(decoder.bufferedBytes).toBe(at - out);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("are the same with nextMessage as with decodeBody over next", () => {
    assert(
      property(array(uint8Array({ minLength: 4, maxLength: 40 }), { maxLength: 12 }), steps, (bodies, plan) => {
        const stream = Buffer.concat(bodies.map(encodeFrame));
        const [one, other] = [new FrameDecoder({ maxBodyLength: 40 }), new FrameDecoder({ maxBodyLength: 40 })];
        const messages: unknown[] = [];
        feed(one, stream, plan, () => {
          for (let next = one.nextMessage(); next !== undefined; next = one.nextMessage()) messages.push(next);
        });
        const decoded: unknown[] = [];
        feed(other, stream, plan, () => {
          for (let next = other.next(); next !== undefined; next = other.next()) decoded.push(decodeBody(next));
        });
        expect(messages).toHaveLength(bodies.length);
        expect(messages).toEqual(decoded);
      }),
    );
  });
});

test("decodes any message to the encoded type and data", () => {
  const message = record({ type: integer({ min: 0, max: 0xffff_ffff }), data: uint8Array({ maxLength: 60 }) });
  assert(
    property(array(message, { maxLength: 10 }), steps, (messages, plan) => {
      const decoder = new FrameDecoder({ maxBodyLength: 64 });
      const decoded: unknown[] = [];
      feed(decoder, Buffer.concat(messages.map(({ type, data }) => encodeMessage(type, data))), plan, () => {
        for (let next = decoder.nextMessage(); next !== undefined; next = decoder.nextMessage()) decoded.push(next);
      });
      expect(decoded).toEqual(messages);
    }),
  );
});

test("returns bodies within the limits, undefined or a final FrameError for arbitrary bytes", () => {
  assert(
    property(array(uint8Array({ maxLength: 30 }), { maxLength: 20 }), (chunks) => {
      const decoder = new FrameDecoder({ maxBodyLength: 300 });
      try {
        for (const chunk of chunks) {
          decoder.push(chunk);
          for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
            expect(next.length).toBeGreaterThanOrEqual(4);
            expect(next.length).toBeLessThanOrEqual(300);
          }
        }
        decoder.end();
      } catch (error) {
        if (!(error instanceof FrameError)) throw error;
        expect(() => decoder.next()).toThrow(error);
      }
    }),
    { numRuns: 500 },
  );
});
