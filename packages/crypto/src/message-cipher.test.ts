import { createCipheriv, createDecipheriv, createSecretKey } from "node:crypto";
import { assert, nat, property, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { CryptoError } from "./crypto-error.js";
import { MessageCipher, SEAL_OVERHEAD_BYTES } from "./message-cipher.js";
import { CountedNonces } from "./nonce-source.js";

const RAW_KEY = Uint8Array.from({ length: 32 }, (_, index) => index);
const KEY = createSecretKey(RAW_KEY);
const PREFIX = new Uint8Array(8).fill(0x11);

const text = (words: string): Uint8Array => Uint8Array.from(Buffer.from(words));
const cipherFrom = (first: number): MessageCipher =>
  new MessageCipher(KEY, { nonces: new CountedNonces(PREFIX, first) });

function thrownBy(take: () => unknown): unknown {
  try {
    take();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a sealed message", () => {
  test("is nonce, ciphertext and tag, which Node's cipher opens with the key", () => {
    const sealed = cipherFrom(7).seal(text("hello"));
    expect(sealed).toHaveLength(5 + SEAL_OVERHEAD_BYTES);
    expect(Buffer.from(sealed.subarray(0, 12)).toString("hex")).toBe("111111111111111100000007");
    const decipher = createDecipheriv("aes-256-gcm", RAW_KEY, sealed.subarray(0, 12));
    decipher.setAuthTag(sealed.subarray(-16));
    const plaintext = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
    expect(plaintext.toString()).toBe("hello");
  });

  test("opens when another implementation has sealed it", () => {
    const nonce = new Uint8Array(12).fill(0x77);
    const cipher = createCipheriv("aes-256-gcm", RAW_KEY, nonce);
    const sealed = Buffer.concat([nonce, cipher.update("hello"), cipher.final(), cipher.getAuthTag()]);
    expect(Buffer.from(new MessageCipher(KEY).open(sealed)).toString()).toBe("hello");
  });

  test("opens to the plaintext, for any bytes and any length", () => {
    const [one, other] = [new MessageCipher(KEY), new MessageCipher(KEY)];
    assert(
      property(uint8Array({ maxLength: 5_000 }), (plaintext) => {
        expect(Buffer.compare(other.open(one.seal(plaintext)), plaintext)).toBe(0);
      }),
    );
  });

  test("differs each time when the same plaintext is sealed twice", () => {
    const cipher = new MessageCipher(KEY);
    const sealed = Array.from({ length: 20 }, () => Buffer.from(cipher.seal(text("same"))).toString("hex"));
    expect(new Set(sealed).size).toBe(20);
    expect(new Set(sealed.map((each) => each.slice(0, 24))).size).toBe(20);
  });

  test("of a head and a tail equals that of both joined, and changes no byte outside its place", () => {
    assert(
      property(uint8Array({ maxLength: 40 }), uint8Array({ maxLength: 80 }), nat(9), (head, tail, offset) => {
        const length = head.length + tail.length + SEAL_OVERHEAD_BYTES;
        const target = new Uint8Array(offset + length + 3).fill(0xee);
        cipherFrom(1).sealInto(target, offset, head, tail);
        const joined = cipherFrom(1).seal(Buffer.concat([head, tail]));
        expect(target.subarray(offset, offset + length)).toEqual(joined);
        expect(target.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true);
        expect(target.subarray(offset + length)).toEqual(new Uint8Array(3).fill(0xee));
      }),
    );
  });

  test("of a head needs no tail", () => {
    const target = new Uint8Array(5 + SEAL_OVERHEAD_BYTES);
    cipherFrom(1).sealInto(target, 0, text("hello"));
    expect(target).toEqual(cipherFrom(1).seal(text("hello")));
  });

  test("leaves the plaintext unchanged, and opening leaves the sealed bytes unchanged", () => {
    const plaintext = text("hello");
    const sealed = cipherFrom(1).seal(plaintext);
    const before = sealed.slice();
    const opened = cipherFrom(1).open(sealed);
    sealed.fill(0);
    expect(plaintext).toEqual(text("hello"));
    expect(Buffer.from(opened).toString()).toBe("hello");
    expect(before).toEqual(cipherFrom(1).seal(text("hello")));
  });
});

describe("a forged message", () => {
  const sealed = cipherFrom(1).seal(text("transfer 10"));

  test("is rejected for every changed byte of nonce, ciphertext and tag", () => {
    const cipher = new MessageCipher(KEY);
    for (let at = 0; at < sealed.length; at++) {
      for (const change of [0x01, 0x80, 0xff]) {
        const changed = sealed.slice();
        changed[at] = (changed[at] as number) ^ change;
        const error = thrownBy(() => cipher.open(changed));
        expect(error).toBeInstanceOf(CryptoError);
        expect(error).toMatchObject({
          code: "IPC_DECRYPTION_FAILED",
          message: expect.stringContaining("invalid tag of a message of 39 bytes"),
        });
      }
    }
    expect(Buffer.from(cipher.open(sealed)).toString()).toBe("transfer 10");
  });

  test("is rejected at every shorter length and with one byte more", () => {
    const cipher = new MessageCipher(KEY);
    for (let length = 0; length < sealed.length; length++) {
      const error = thrownBy(() => cipher.open(sealed.subarray(0, length)));
      expect(error).toBeInstanceOf(CryptoError);
      const why = length < 28 ? `${length} bytes, minimum 28;` : `a message of ${length} bytes`;
      expect(error).toMatchObject({ code: "IPC_DECRYPTION_FAILED", message: expect.stringContaining(why) });
    }
    expect(thrownBy(() => cipher.open(Uint8Array.of(...sealed, 0)))).toMatchObject({ code: "IPC_DECRYPTION_FAILED" });
  });

  test("is rejected when it was sealed with another key", () => {
    const other = new MessageCipher(createSecretKey(new Uint8Array(32)));
    expect(thrownBy(() => other.open(sealed))).toMatchObject({
      code: "IPC_DECRYPTION_FAILED",
      cause: expect.any(Error),
    });
  });
});

describe("the message limit of a key", () => {
  test("counts sealed and opened messages together", () => {
    const peer = cipherFrom(100);
    const cipher = new MessageCipher(KEY, { nonces: new CountedNonces(PREFIX, 1), messageLimit: 4 });
    const target = new Uint8Array(28);
    cipher.seal(text("1"));
    cipher.open(peer.seal(text("2")));
    cipher.sealInto(target, 0, text(""));
    cipher.open(peer.seal(text("4")));
    for (const more of [
      () => cipher.seal(text("5")),
      () => cipher.open(peer.seal(text("5"))),
      () => cipher.sealInto(target, 0, text("")),
    ]) {
      const error = thrownBy(more);
      expect(error).toBeInstanceOf(CryptoError);
      expect(error).toMatchObject({
        code: "IPC_CIPHER_EXHAUSTED",
        message: expect.stringContaining("4 messages were sealed and opened"),
      });
    }
  });

  test("uses no nonce once it is reached", () => {
    const nonces = new CountedNonces(PREFIX, 1);
    const cipher = new MessageCipher(KEY, { nonces, messageLimit: 1 });
    cipher.seal(text("1"));
    thrownBy(() => cipher.seal(text("2")));
    const next = new Uint8Array(12);
    nonces.next(next);
    expect(next[11]).toBe(2);
  });

  test.each([0, -1, 1.5, 2 ** 31 + 1, Number.NaN, Number.POSITIVE_INFINITY])(
    "is rejected when it is %s",
    (messageLimit) => {
      expect(() => new MessageCipher(KEY, { messageLimit })).toThrow(
        new RangeError(`messageLimit: takes a whole number of 1 … 2147483648, got ${messageLimit}`),
      );
    },
  );
});
