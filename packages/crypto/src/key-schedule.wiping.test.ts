import { createSecretKey, type Hmac } from "node:crypto";
import { expect, test, vi } from "vitest";

/** Everything secret that passes through JavaScript's memory: what keys are made of, digests, exported keys. */
const passed: Uint8Array[] = [];

vi.mock("node:crypto", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:crypto")>();
  const watch = (target: Hmac): Hmac => {
    const digest = target.digest.bind(target) as () => Buffer;
    return Object.assign(target, {
      digest: (): Buffer => {
        const output = digest();
        passed.push(output);
        return output;
      },
    });
  };
  return {
    ...real,
    createHmac: (...args: Parameters<typeof real.createHmac>) => watch(real.createHmac(...args)),
    createSecretKey: (raw: Uint8Array) => {
      passed.push(raw);
      return real.createSecretKey(raw);
    },
  };
});

const { deriveSessionKeys, rekey } = await import("./key-schedule.js");

const isWiped = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

test("leaves no secret in raw memory after the keys are derived, except the caller's psk and X", () => {
  const psk = createSecretKey(new Uint8Array(32).fill(0x99));
  const exported = vi.spyOn(psk, "export");
  passed.length = 0;
  const keys = deriveSessionKeys(new Uint8Array(32), new Uint8Array(48).fill(0x11), psk);
  expect(exported).toHaveBeenCalledOnce();
  expect(isWiped(exported.mock.results[0]?.value as Uint8Array)).toBe(true);
  // The secret behind all: its digest, from which its key is made. Of each of the seven, its one block; of the five that
  // are keys, the bytes that they are made of.
  expect(passed).toHaveLength(2 + 7 + 5);
  expect(passed.every(isWiped)).toBe(true);

  passed.length = 0;
  rekey(keys.client);
  expect(passed).toHaveLength(2 + 1);
  expect(passed.every(isWiped)).toBe(true);
});
