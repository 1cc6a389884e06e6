import { createHmac, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { deriveSessionKeys, importPsk, rekey, type SessionKeys } from "./key-schedule.js";

const HASH = new Uint8Array(32).fill(0x7a);
const X = Uint8Array.from({ length: 48 }, (_, index) => index + 1);
const PSK = new Uint8Array(32).fill(0x99);

const hexOf = (data: Uint8Array | KeyObject): string =>
  Buffer.from(data instanceof Uint8Array ? data : data.export()).toString("hex");

function everySecret({ client, server, exporter }: SessionKeys): string[] {
  return [client.key, client.iv, client.auth, server.key, server.iv, server.auth, exporter].map(hexOf);
}

describe("the keys of a session", () => {
  test.each([
    ["with a psk", X, PSK],
    ["without one: 32 zero bytes in its place", X, undefined],
    ["from an X with leading zero bytes, which stay", Uint8Array.of(0, 0, ...X.subarray(2)), PSK],
  ])("are HKDF-SHA256 of X and psk under their labels, %s", (_what, x, psk) => {
    const secret = Buffer.concat([x, psk ?? new Uint8Array(32)]);
    const hkdf = (label: string, length: number): string =>
      Buffer.from(hkdfSync("sha256", secret, HASH, label, length)).toString("hex");
    expect(everySecret(deriveSessionKeys(HASH, x, psk && importPsk(psk)))).toEqual([
      hkdf("ipcx/1 c key", 32),
      hkdf("ipcx/1 c iv", 12),
      hkdf("ipcx/1 c auth", 32),
      hkdf("ipcx/1 s key", 32),
      hkdf("ipcx/1 s iv", 12),
      hkdf("ipcx/1 s auth", 32),
      hkdf("ipcx/1 exporter", 32),
    ]);
  });

  test("differ from each other, and change with the hash, X and psk", () => {
    const other = (changed: Uint8Array): Uint8Array => changed.with(0, 0x01 ^ (changed[0] as number));
    const secrets = [
      deriveSessionKeys(HASH, X),
      deriveSessionKeys(HASH, X, importPsk(PSK)),
      deriveSessionKeys(HASH, X, importPsk(other(PSK))),
      deriveSessionKeys(other(HASH), X, importPsk(PSK)),
      deriveSessionKeys(HASH, other(X), importPsk(PSK)),
    ].flatMap(everySecret);
    expect(new Set(secrets).size).toBe(35);
  });

  test("leave X and the psk unchanged, so that another psk can be tried", () => {
    const psk = importPsk(PSK);
    const first = everySecret(deriveSessionKeys(HASH, X, psk));
    expect(everySecret(deriveSessionKeys(HASH, X, psk))).toEqual(first);
    expect(hexOf(psk)).toBe(hexOf(PSK));
  });

  test.each([47, 49, 0])("are not derived when X has %i bytes instead of 48", (length) => {
    expect(() => deriveSessionKeys(HASH, new Uint8Array(length))).toThrow(
      new RangeError(`sharedSecret: takes 48 bytes, got ${length}`),
    );
  });

  test("are not derived when the psk is not 32 bytes long", () => {
    expect(() => deriveSessionKeys(HASH, X, createSecretKey(new Uint8Array(16)))).toThrow(
      new RangeError("psk: takes a secret key of 32 bytes, got 16"),
    );
  });
});

describe("a pre-shared key", () => {
  test("keeps its 32 bytes after the caller has wiped the source", () => {
    const bytes = PSK.slice();
    const psk = importPsk(bytes);
    bytes.fill(0);
    expect(hexOf(psk)).toBe(hexOf(PSK));
  });

  test.each([0, 31, 33])("is rejected when it has %i bytes", (length) => {
    expect(() => importPsk(new Uint8Array(length))).toThrow(new RangeError(`psk: takes 32 bytes, got ${length}`));
  });
});

describe("rekeying", () => {
  test("expands only the key: to 32 bytes of the next key and 12 of the next iv", () => {
    const { client } = deriveSessionKeys(HASH, X);
    const first = createHmac("sha256", client.key).update("ipcx/1 rekey\x01").digest();
    const second = createHmac("sha256", client.key).update(first).update("ipcx/1 rekey\x02").digest();
    const next = rekey(client);
    expect(hexOf(next.key)).toBe(first.toString("hex"));
    expect(hexOf(next.iv)).toBe(second.subarray(0, 12).toString("hex"));
  });

  test("gives new keys each time, and leaves the old keys unchanged", () => {
    const { client } = deriveSessionKeys(HASH, X);
    const before = [hexOf(client.key), hexOf(client.iv)];
    const seen = new Set([hexOf(client.key)]);
    let keys = rekey(client);
    for (let n = 0; n < 50; n++) {
      seen.add(hexOf(keys.key));
      keys = rekey(keys);
    }
    expect(seen.size).toBe(51);
    expect([hexOf(client.key), hexOf(client.iv)]).toEqual(before);
  });
});
