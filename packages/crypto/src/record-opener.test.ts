import { createSecretKey } from "node:crypto";
import { array, assert, integer, nat, property, uint8Array } from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { CryptoError } from "./crypto-error.js";
import type { TrafficKeys } from "./key-schedule.js";
import { RECORD_KIND, type RecordKind } from "./record-header.js";
import { RecordOpener, type SealedRecord } from "./record-opener.js";
import { RecordSealer } from "./record-sealer.js";

const { auth, data, close } = RECORD_KIND;

const text = (words: string): Uint8Array => Uint8Array.from(Buffer.from(words));
const keys = (byte = 0x42): TrafficKeys => ({
  key: createSecretKey(new Uint8Array(32).fill(byte)),
  iv: new Uint8Array(12).fill(byte),
});
const recordOf = (bytes: Uint8Array): SealedRecord => ({ kind: bytes[0] as RecordKind, sealed: bytes.subarray(4) });

/** The plaintexts of what a fresh opener makes of these records; the last one may be an error. */
function openAll(records: readonly SealedRecord[], opener = new RecordOpener(keys())): (string | CryptoError)[] {
  const opened: (string | CryptoError)[] = [];
  for (const record of records) {
    try {
      opened.push(Buffer.from(opener.open(record)).toString());
    } catch (error) {
      expect(error).toBeInstanceOf(CryptoError);
      return [...opened, error as CryptoError];
    }
  }
  return opened;
}

/** AUTH, three DATA and a CLOSE of one session. */
function session(byte?: number): [SealedRecord, SealedRecord, SealedRecord, SealedRecord, SealedRecord] {
  const sealer = new RecordSealer(keys(byte));
  const seal = (kind: RecordKind, words: string): SealedRecord =>
    recordOf(sealer.seal(kind, words === "" ? [] : [text(words)]));
  return [seal(auth, "proof"), seal(data, "one"), seal(data, "two"), seal(data, "three"), seal(close, "")];
}

describe("records in order", () => {
  test("open to the plaintext, and the stream ends without error", () => {
    const opener = new RecordOpener(keys());
    expect(openAll(session().slice(0, 4), opener)).toEqual(["proof", "one", "two", "three"]);
    expect(opener.closed).toBe(false);
    expect(openAll(session().slice(4), opener)).toEqual([""]);
    expect(opener.closed).toBe(true);
    expect(() => opener.end()).not.toThrow();
  });

  test("open to the plaintext across rekeyings", () => {
    assert(
      property(
        integer({ min: 1, max: 9 }),
        array(uint8Array({ minLength: 1, maxLength: 99 }), { maxLength: 30 }),
        (rekeyInterval, plaintexts) => {
          const sealer = new RecordSealer(keys(), { rekeyInterval });
          const opener = new RecordOpener(keys(), { rekeyInterval });
          opener.open(recordOf(sealer.seal(auth)));
          for (const plaintext of plaintexts) {
            expect(Buffer.compare(opener.open(recordOf(sealer.seal(data, [plaintext]))), plaintext)).toBe(0);
          }
        },
      ),
    );
  });

  test("do not open when the two sides rekey at different places", () => {
    const sealer = new RecordSealer(keys(), { rekeyInterval: 2 });
    const records = [sealer.seal(auth), sealer.seal(data, [text("1")]), sealer.seal(data, [text("2")])];
    expect(openAll(records.map(recordOf), new RecordOpener(keys(), { rekeyInterval: 3 }))).toMatchObject([
      "",
      "1",
      { code: "IPC_DECRYPTION_FAILED" },
    ]);
  });

  test("stay unchanged, and are opened into new memory", () => {
    const [first, second] = session();
    const before = Buffer.from(second.sealed);
    const opener = new RecordOpener(keys());
    opener.open(first);
    const plaintext = opener.open(second);
    expect(Buffer.compare(second.sealed, before)).toBe(0);
    second.sealed.fill(0);
    expect(Buffer.from(plaintext).toString()).toBe("one");
  });
});

describe("a record with one flipped bit", () => {
  test.each([0, 1, 2, 3, 4])("is rejected at every byte of ciphertext and tag: record %i", (index) => {
    const records = session();
    const { kind, sealed } = records[index] as SealedRecord;
    for (let at = 0; at < sealed.length; at++) {
      for (const flip of [0x01, 0x80]) {
        const changed = Uint8Array.from(sealed);
        changed[at] = (changed[at] as number) ^ flip;
        const opened = openAll([...records.slice(0, index), { kind, sealed: changed }]);
        expect(opened.at(-1)).toMatchObject({
          code: index === 0 ? "IPC_AUTHENTICATION_FAILED" : "IPC_DECRYPTION_FAILED",
          message: expect.stringMatching(new RegExp(`invalid tag of .* ${sealed.length} bytes,`)),
          cause: expect.any(Error),
        });
        expect(opened).toHaveLength(index + 1);
      }
    }
  });

  test("is rejected for any bytes and any flip, in the header, too, which then has another kind or length", () => {
    assert(
      property(
        uint8Array({ minLength: 1, maxLength: 300 }),
        nat(),
        integer({ min: 1, max: 255 }),
        (plaintext, n, flip) => {
          const sealer = new RecordSealer(keys());
          const first = recordOf(sealer.seal(auth));
          const bytes = sealer.seal(data, [plaintext]);
          const at = n % bytes.length;
          bytes[at] = (bytes[at] as number) ^ flip;
          const length = Buffer.from(bytes).readUIntBE(1, 3);
          const kind = bytes[0] as RecordKind;
          // A reader hands on as many bytes as the header says, whatever they are.
          const sealed = Buffer.concat([bytes.subarray(4), Buffer.alloc(Math.max(0, length + 4 - bytes.length))]);
          const [, error] = openAll([first, { kind, sealed: sealed.subarray(0, length) }]);
          expect(["IPC_RECORD_INVALID", "IPC_DECRYPTION_FAILED"]).toContain((error as CryptoError).code);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("is rejected when only its kind has changed, because the header is authenticated", () => {
    const [first, , , , last] = session();
    const empty = new RecordSealer(keys());
    empty.seal(auth);
    const one = recordOf(empty.seal(data, [text("1")]));
    // CLOSE with the bytes of a DATA record is refused by its length; DATA with those of a CLOSE, too.
    expect(openAll([first, { kind: close, sealed: one.sealed }])[1]).toMatchObject({ code: "IPC_RECORD_INVALID" });
    expect(openAll([...session().slice(0, 4), { kind: data, sealed: last.sealed }])[4]).toMatchObject({
      code: "IPC_RECORD_INVALID",
    });
  });
});

describe("a record out of order", () => {
  const [a, one, two, three, end] = session();

  test.each([
    ["repeated at once", [a, one, one]],
    ["repeated later", [a, one, two, one]],
    ["before its predecessor", [a, two]],
    ["behind a record that was left out", [a, one, three]],
    ["a CLOSE before the last DATA", [a, one, two, end]],
    ["from another session", [a, session(0x43)[1]]],
  ])("is rejected: %s", (_what, records) => {
    const opened = openAll(records);
    expect(opened).toHaveLength(records.length);
    expect(opened.at(-1)).toMatchObject({ name: "CryptoError", code: "IPC_DECRYPTION_FAILED" });
  });

  test.each([
    ["DATA without AUTH", [one], "record 0 is of kind DATA, but the first record must be AUTH"],
    ["CLOSE without AUTH", [end], "record 0 is of kind CLOSE, but the first record must be AUTH"],
    ["a second AUTH", [a, a], "record 1 is of kind AUTH, but only the first record may be AUTH"],
    ["DATA behind CLOSE", [a, one, two, three, end, one], "record 5 is of kind DATA, but no record may follow CLOSE"],
    ["a second CLOSE", [a, one, two, three, end, end], "record 5 is of kind CLOSE, but no record may follow CLOSE"],
  ])("is rejected for its kind: %s", (_what, records, message) => {
    const opened = openAll(records);
    expect(opened).toHaveLength(records.length);
    expect(opened.at(-1)).toMatchObject({ code: "IPC_RECORD_INVALID", message: expect.stringContaining(message) });
  });

  test("is rejected in every order but the right one", () => {
    const records = [a, one, two, three, end];
    assert(
      property(array(integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 7 }), (order) => {
        const right = order.findIndex((index, place) => index !== place);
        const opened = openAll(order.map((index) => records[index] as SealedRecord));
        const texts = opened.filter((each) => typeof each === "string");
        expect(texts).toEqual(["proof", "one", "two", "three", ""].slice(0, right === -1 ? order.length : right));
      }),
    );
  });
});

describe("a record in pieces", () => {
  const [first, second] = session();
  const tag = second.sealed.subarray(3);

  /** An opener that has the AUTH, and has begun the record of "one". */
  function begun(): RecordOpener {
    const opener = new RecordOpener(keys());
    opener.open(first);
    opener.begin(second.kind, second.sealed.length);
    return opener;
  }

  test("opens to a piece of plaintext for each piece of ciphertext", () => {
    const opener = begun();
    opener.add(second.sealed.subarray(0, 1));
    opener.add(second.sealed.subarray(1, 3));
    expect(opener.finish(tag).map((piece) => Buffer.from(piece).toString())).toEqual(["o", "ne"]);
  });

  test("is rejected when a piece is left out, added twice, or altered", () => {
    for (const pieces of [[], [0, 0, 1, 2], [0, 2, 1], [0, 1]]) {
      const opener = begun();
      for (const at of pieces) opener.add(second.sealed.subarray(at, at + 1));
      expect(() => opener.finish(tag)).toThrow(expect.objectContaining({ code: "IPC_DECRYPTION_FAILED" }));
      expect(() => opener.finish(tag)).toThrow(expect.objectContaining({ code: "IPC_DECRYPTION_FAILED" }));
    }
  });

  test("cannot be continued before it is begun, or after it was finished", () => {
    const opener = new RecordOpener(keys());
    expect(() => opener.add(new Uint8Array(1))).toThrow("begun");
    expect(() => opener.finish(tag)).toThrow("begun");
    openAll([first], opener);
    expect(() => opener.add(new Uint8Array(1))).toThrow("begun");
  });
});

describe("a malformed record", () => {
  test.each([
    [data, 15],
    [data, 16],
    [data, 262_161],
    [close, 17],
    [auth, 513],
    [4 as RecordKind, 32],
  ])("of kind %i and %i bytes is rejected before a cipher is created", (kind, length) => {
    const opener = new RecordOpener(keys(), { recordLimit: 1 });
    // A cipher would be an IPC_CIPHER_EXHAUSTED: the only number is used up.
    opener.open(session()[0]);
    expect(openAll([{ kind, sealed: new Uint8Array(length) }], opener)).toMatchObject([{ code: "IPC_RECORD_INVALID" }]);
  });

  test("is rejected when its number is past the last one", () => {
    const opener = new RecordOpener(keys(), { recordLimit: 2 });
    expect(openAll(session(), opener)).toMatchObject(["proof", "one", { code: "IPC_CIPHER_EXHAUSTED" }]);
  });
});

describe("an opener that failed", () => {
  let opener: RecordOpener;
  beforeEach(() => {
    opener = new RecordOpener(keys());
    opener.open(session()[0]);
  });

  test.each([
    ["IPC_DECRYPTION_FAILED", { kind: data, sealed: new Uint8Array(32) }],
    ["IPC_DECRYPTION_FAILED", { kind: close, sealed: new Uint8Array(16) }],
    ["IPC_RECORD_INVALID", { kind: auth, sealed: new Uint8Array(48) }],
  ])("with %s stays failed: it rejects the right record, too, and counts as not closed", (code, record) => {
    const [error] = openAll([record], opener);
    expect(error).toMatchObject({ code });
    expect(openAll([session()[1]], opener)[0]).toBe(error);
    expect(() => opener.end()).toThrow(error as CryptoError);
    expect(opener.closed).toBe(false);
  });

  test("with IPC_RECORD_TRUNCATED, by an end without CLOSE, rejects the next record with the same code", () => {
    openAll([session()[1]], opener);
    expect(() => opener.end()).toThrow(CryptoError);
    expect(openAll([session()[2]], opener)).toMatchObject([
      {
        code: "IPC_RECORD_TRUNCATED",
        message: expect.stringContaining("stream truncated: end after 2 records without CLOSE"),
      },
    ]);
  });
});
