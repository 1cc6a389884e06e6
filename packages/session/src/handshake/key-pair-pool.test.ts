import { generateKeyPair, type KeyPair } from "@ipc/crypto";
import { expect, test } from "vitest";
import { KeyPairPool, KeyPairQueue } from "./key-pair-pool.js";

const pointOf = ({ publicKey }: KeyPair): string => Buffer.from(publicKey).toString("hex");

test.each([0, 1, 8])(
  "a stock of %i returns each pair once, also when more are requested at once than it has",
  async (size) => {
    const stock = new KeyPairPool(size);
    const pairs = await Promise.all(Array.from({ length: 20 }, () => stock.take(() => true)));
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

test("a stock derives its pairs ahead when it is opened, and one more for each that is taken", async () => {
  const begun: ((pair: KeyPair) => void)[] = [];
  const line = new KeyPairQueue(() => new Promise((resolve) => void begun.push(resolve)));
  const stock = new KeyPairPool(3, line);
  expect(begun).toHaveLength(3);
  const pair = await generateKeyPair();
  for (const finish of begun) finish(pair);
  await new Promise((resolve) => setImmediate(resolve));
  expect(begun).toHaveLength(3);
  expect(await stock.take(() => true)).toBe(pair);
  expect(begun).toHaveLength(4);
  expect(await Promise.all([stock.take(() => true), stock.take(() => true)])).toEqual([pair, pair]);
  expect(begun).toHaveLength(6);
});

test("a stock derives no key pair when the caller has given it up", async () => {
  let begun = 0;
  const line = new KeyPairQueue(() => {
    begun++;
    return new Promise(() => {});
  });
  const stock = new KeyPairPool(0, line);
  void stock.take(() => false);
  expect(begun).toBe(0);
});
