import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from "node:crypto";
import { array, assert, integer, nat, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { CryptoError } from "./crypto-error.js";
import type { TrafficKeys } from "./key-schedule.js";
import { RECORD_KIND } from "./record-header.js";
import { RecordSealer } from "./record-sealer.js";
import type { RecordCipherOptions } from "./record-sequence.js";

const { auth, data, close } = RECORD_KIND;
const RAW_KEY = Uint8Array.from({ length: 32 }, (_, index) => index);
const IV = new Uint8Array(12).fill(0xa0);

const text = (words: string): Uint8Array => Uint8Array.from(Buffer.from(words));
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
/** The same keys each time, as two sides derive them. */
const keys = (): TrafficKeys => ({ key: createSecretKey(RAW_KEY), iv: IV });

/** A sealer whose AUTH is sent. */
function sealerAfterAuth(options?: RecordCipherOptions): RecordSealer {
  const sealer = new RecordSealer(keys(), options);
  sealer.seal(auth);
  return sealer;
}

interface Opened {
  readonly kind: number;
  readonly plaintext: Buffer;
}

/** Opens a whole stream of records as the design says, with nothing but node:crypto. */
function readIndependently(stream: Uint8Array, rekeyInterval = 2 ** 20): Opened[] {
  const bytes = Buffer.from(stream);
  const opened: Opened[] = [];
  let [key, iv] = [Buffer.from(RAW_KEY), Buffer.from(IV)];
  for (let at = 0, seq = 0; at < bytes.length; seq++) {
    if (seq > 0 && seq % rekeyInterval === 0) {
      const first = createHmac("sha256", key).update("ipcx/1 rekey\x01").digest();
      iv = createHmac("sha256", key).update(first).update("ipcx/1 rekey\x02").digest().subarray(0, 12);
      key = first;
    }
    const nonce = Buffer.from(iv);
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ BigInt(seq), 4);
    const end = at + 4 + bytes.readUIntBE(at + 1, 3);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAAD(bytes.subarray(at, at + 4));
    decipher.setAuthTag(bytes.subarray(end - 16, end));
    const plaintext = Buffer.concat([decipher.update(bytes.subarray(at + 4, end - 16)), decipher.final()]);
    opened.push({ kind: bytes[at] as number, plaintext });
    at = end;
  }
  return opened;
}

describe("a sequence of sealed records", () => {
  test("can be opened with the keys and the specification alone", () => {
    const sealer = new RecordSealer(keys());
    const stream = [
      sealer.seal(auth, [text("proof")]),
      sealer.seal(data, [text("hello")]),
      sealer.seal(data, [text("x")]),
      sealer.seal(close),
    ];
    expect(readIndependently(Buffer.concat(stream))).toEqual([
      { kind: 1, plaintext: Buffer.from("proof") },
      { kind: 2, plaintext: Buffer.from("hello") },
      { kind: 2, plaintext: Buffer.from("x") },
      { kind: 3, plaintext: Buffer.alloc(0) },
    ]);
    expect(stream.map((record) => hexOf(record.subarray(0, 4)))).toEqual([
      "01000015",
      "02000015",
      "02000011",
      "03000010",
    ]);
  });

  test("can be opened across rekeyings, at any interval", () => {
    assert(
      property(
        integer({ min: 1, max: 9 }),
        array(uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 30 }),
        (rekeyInterval, plaintexts) => {
          const sealer = new RecordSealer(keys(), { rekeyInterval });
          const stream = [sealer.seal(auth), ...plaintexts.map((plaintext) => sealer.seal(data, [plaintext]))];
          const opened = readIndependently(Buffer.concat(stream), rekeyInterval).slice(1);
          expect(opened.map(({ plaintext }) => hexOf(plaintext))).toEqual(plaintexts.map(hexOf));
        },
      ),
    );
  });

  test("has the bytes that createCipheriv alone gives", () => {
    const cipher = createCipheriv("aes-256-gcm", RAW_KEY, Buffer.from(`${"a0".repeat(11)}a1`, "hex"));
    cipher.setAAD(Buffer.from("02000015", "hex"));
    const record = ["02000015", cipher.update("hello", "utf8", "hex"), cipher.final("hex"), hexOf(cipher.getAuthTag())];
    expect(hexOf(sealerAfterAuth().seal(data, [text("hello")]))).toBe(record.join(""));
  });
});

describe("a plaintext in chunks", () => {
  const chunkings = array(uint8Array({ maxLength: 60 }), { maxLength: 8 }).filter((chunks) =>
    chunks.some(({ length }) => length > 0),
  );

  test("is sealed as if joined, however it is cut", () => {
    assert(
      property(chunkings, (chunks) => {
        const joined = sealerAfterAuth().seal(data, [Buffer.concat(chunks)]);
        expect(hexOf(sealerAfterAuth().seal(data, chunks))).toBe(hexOf(joined));
        expect(hexOf(Buffer.concat(sealerAfterAuth().sealParts(data, chunks)))).toBe(hexOf(joined));
      }),
    );
  });

  test("is sealed into its place, and no other byte changes", () => {
    assert(
      property(chunkings, nat(9), (chunks, offset) => {
        const joined = sealerAfterAuth().seal(data, chunks);
        const target = new Uint8Array(offset + joined.length + 3).fill(0xee);
        expect(sealerAfterAuth().sealInto(target, offset, data, chunks)).toBe(joined.length);
        expect(hexOf(target)).toBe(["ee".repeat(offset), hexOf(joined), "eeeeee"].join(""));
      }),
    );
  });

  test("may overlap the place of its ciphertext", () => {
    const slab = Buffer.from(`........hello${".".repeat(16)}`);
    const chunks = [slab.subarray(8, 10), slab.subarray(10, 13)];
    expect(sealerAfterAuth().sealInto(slab, 4, data, chunks)).toBe(25);
    expect(hexOf(slab.subarray(4))).toBe(hexOf(sealerAfterAuth().seal(data, [text("hello")])));
  });

  test("stays unchanged", () => {
    const plaintext = text("hello");
    const sealer = sealerAfterAuth();
    sealer.seal(data, [plaintext]);
    sealer.sealParts(data, [plaintext]);
    sealer.sealInto(new Uint8Array(25), 0, data, [plaintext]);
    expect(plaintext).toEqual(text("hello"));
  });

  test("of 262 144 bytes, the longest, is sealed and opens", () => {
    const plaintext = Buffer.alloc(262_144, "longest");
    const sealer = new RecordSealer(keys());
    const stream = Buffer.concat([
      sealer.seal(auth),
      sealer.seal(data, [plaintext.subarray(0, 1), plaintext.subarray(1)]),
    ]);
    expect(stream).toHaveLength(20 + 262_164);
    expect(readIndependently(stream)[1]?.plaintext.equals(plaintext)).toBe(true);
  });
});

describe("a sealer rejects", () => {
  /** Returns the error of each way of sealing, which must be the same. */
  function refusalOf(sealer: RecordSealer, kind: 1 | 2 | 3, chunks: Uint8Array[]): unknown {
    const errors = [
      () => sealer.seal(kind, chunks),
      () => sealer.sealParts(kind, chunks),
      () => sealer.sealInto(new Uint8Array(300_000), 0, kind, chunks),
    ].map((attempt) => {
      try {
        attempt();
      } catch (error) {
        return error;
      }
      throw new Error("nothing was thrown");
    });
    expect(errors[1]).toEqual(errors[0]);
    expect(errors[2]).toEqual(errors[0]);
    return errors[0];
  }

  test.each([
    ["DATA without a byte", data, 0, "DATA takes 1 … 262144 bytes, got 0"],
    ["DATA of a byte too many", data, 262_145, "DATA takes 1 … 262144 bytes, got 262145"],
    ["CLOSE with a byte", close, 1, "CLOSE takes 0 … 0 bytes, got 1"],
  ] as const)("%s, and stays usable", (_what, kind, length, message) => {
    const sealer = sealerAfterAuth();
    const chunks = [new Uint8Array(length >> 1), new Uint8Array(length - (length >> 1))];
    expect(refusalOf(sealer, kind, chunks)).toEqual(new RangeError(`chunks: a record of kind ${message}`));
    expect(hexOf(sealer.seal(data, [text("hello")]))).toBe(hexOf(sealerAfterAuth().seal(data, [text("hello")])));
  });

  test("an AUTH that is one byte too long", () => {
    const error = refusalOf(new RecordSealer(keys()), auth, [new Uint8Array(497)]);
    expect(error).toEqual(new RangeError("chunks: a record of kind AUTH takes 0 … 496 bytes, got 497"));
    expect(new RecordSealer(keys()).seal(auth, [new Uint8Array(496)])).toHaveLength(4 + 512);
  });

  test("kinds out of order", () => {
    const [sealer, after, ended] = [new RecordSealer(keys()), sealerAfterAuth(), sealerAfterAuth()];
    ended.seal(close);
    expect([
      refusalOf(sealer, data, [text("x")]),
      refusalOf(sealer, close, []),
      refusalOf(after, auth, []),
      refusalOf(ended, data, [text("x")]),
      refusalOf(ended, close, []),
    ]).toEqual([
      new RangeError("kind: got 2 for record 0, but the first record must be AUTH"),
      new RangeError("kind: got 3 for record 0, but the first record must be AUTH"),
      new RangeError("kind: got 1 for record 1, but only the first record may be AUTH"),
      new RangeError("kind: got 2 for record 2, but no record may follow CLOSE"),
      new RangeError("kind: got 3 for record 2, but no record may follow CLOSE"),
    ]);
  });

  test.each([
    [24, 0],
    [28, 4],
    [25, 1],
    [25, -1],
    [25, Number.NaN],
  ])("a target of %i bytes from %d on without room for 25, writes nothing and stays usable", (length, offset) => {
    const sealer = sealerAfterAuth();
    const target = new Uint8Array(length).fill(0xee);
    expect(() => sealer.sealInto(target, offset, data, [text("hello")])).toThrow(
      new RangeError(`target: needs 25 bytes from ${offset} on, has ${length} bytes`),
    );
    expect(target.every((byte) => byte === 0xee)).toBe(true);
    expect(hexOf(sealer.seal(data, [text("hello")]))).toBe(hexOf(sealerAfterAuth().seal(data, [text("hello")])));
  });

  test("every record once its numbers are used up", () => {
    const sealer = sealerAfterAuth({ recordLimit: 3 });
    sealer.seal(data, [text("1")]);
    sealer.seal(data, [text("2")]);
    for (const attempt of [1, 2]) {
      const error = refusalOf(sealer, data, [text(`${attempt}`)]);
      expect(error).toBeInstanceOf(CryptoError);
      expect(error).toMatchObject({
        code: "IPC_CIPHER_EXHAUSTED",
        message: "cipher exhausted: 3 records in this direction, the maximum of a session; reconnect",
      });
    }
  });

  test("keys that another sealer uses", () => {
    const shared = keys();
    new RecordSealer(shared);
    expect(() => new RecordSealer(shared)).toThrow(
      new TypeError("keys: already used by another sealer; derive new keys"),
    );
    expect(() => new RecordSealer({ ...shared })).toThrow(TypeError);
  });
});
