import { createRequire, syncBuiltinESMExports } from "node:module";
import type { KeyPair } from "@ipc/crypto";
import { expect, onTestFinished, test } from "vitest";
import { KeyPairStock } from "./key-pair-stock.js";

/** The module whose functions every import of `node:crypto` is bound to, also in the built packages. */
const crypto = createRequire(import.meta.url)("node:crypto") as typeof import("node:crypto");
const pointOf = ({ publicKey }: KeyPair): string => Buffer.from(publicKey).toString("hex");

test.each([0, 1, 8])(
  "a stock of %i gives each pair once, also when more are wanted at once than it has",
  async (size) => {
    const stock = new KeyPairStock(size);
    const pairs = await Promise.all(Array.from({ length: 20 }, () => stock.take()));
    expect(new Set(pairs.map(pointOf)).size).toBe(20);
    for (const { publicKey, privateKey } of pairs) {
      expect([publicKey.length, publicKey[0], privateKey.asymmetricKeyDetails?.namedCurve]).toEqual([
        97,
        4,
        "secp384r1",
      ]);
    }
  },
);

test("is made ahead: as many as it keeps when it is opened, and one more for each that is taken", async () => {
  const real = crypto.generateKeyPair;
  let begun = 0;
  crypto.generateKeyPair = ((...given: Parameters<typeof real>) => {
    begun++;
    real(...given);
  }) as typeof real;
  syncBuiltinESMExports();
  onTestFinished(() => {
    crypto.generateKeyPair = real;
    syncBuiltinESMExports();
  });
  const stock = new KeyPairStock(3);
  expect(begun).toBe(3);
  const first = stock.take();
  expect(begun).toBe(4);
  await Promise.all([first, stock.take()]);
  expect(begun).toBe(5);
});
