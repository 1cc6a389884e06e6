import { createSecretKey, type KeyObject } from "node:crypto";
import { array, assert, boolean, constantFrom, integer, property, record } from "fast-check";
import { expect, test, vi } from "vitest";
import { RECORD_KIND } from "./record-header.js";

/** Every key and nonce that a cipher was made of, in hex. */
const used: string[] = [];

vi.mock("node:crypto", async (importOriginal) => {
  const real = await importOriginal<typeof import("node:crypto")>();
  return {
    ...real,
    createCipheriv: (algorithm: "aes-256-gcm", key: KeyObject, nonce: Uint8Array, options: { authTagLength: 16 }) => {
      used.push(`${key.export().toString("hex")} ${Buffer.from(nonce).toString("hex")}`);
      return real.createCipheriv(algorithm, key, nonce, options);
    },
  };
});

const { RecordSealer } = await import("./record-sealer.js");

const LENGTHS = [0, 1, 1, 7, 300_000] as const;
/** Chunks are read only, and made once: the test then costs the ciphers that it is about. */
const CHUNKS = new Map(LENGTHS.map((length) => [length, new Uint8Array(length)]));
const BROKEN_CHUNKS = new Map(LENGTHS.map((length) => [length, Array(length) as unknown as Uint8Array]));
const TARGET = new Uint8Array(Math.max(...LENGTHS) + 20);

/** One way to use a sealer, right or wrong. */
const step = record({
  kind: constantFrom(...Object.values(RECORD_KIND), ...Array<2>(20).fill(RECORD_KIND.data)),
  length: constantFrom(...LENGTHS),
  way: constantFrom("seal", "sealInto", "sealParts"),
  roomy: boolean(),
  /** A chunk that is none: the cipher throws when it is already under way. */
  broken: boolean(),
});

test("uses no key and nonce twice for any records, also when some of them fail", () => {
  let ciphers = 0;
  assert(
    property(
      array(step, { minLength: 10, maxLength: 60 }),
      integer({ min: 1, max: 12 }),
      integer({ min: 1, max: 40 }),
      (steps, rekeyInterval, recordLimit) => {
        used.length = 0;
        const keys = { key: createSecretKey(new Uint8Array(32).fill(0x42)), iv: new Uint8Array(12).fill(0x24) };
        const sealer = new RecordSealer(keys, { rekeyInterval, recordLimit });
        sealer.seal(RECORD_KIND.auth);
        for (const { kind, length, way, roomy, broken } of steps) {
          const chunks = [(broken ? BROKEN_CHUNKS : CHUNKS).get(length) as Uint8Array];
          try {
            if (way === "sealInto") sealer.sealInto(TARGET.subarray(0, roomy ? length + 20 : length), 0, kind, chunks);
            else sealer[way](kind, chunks);
          } catch {
            // Another test covers refusals.
          }
        }
        expect(new Set(used).size).toBe(used.length);
        expect(used.length).toBeLessThanOrEqual(recordLimit);
        ciphers += used.length;
      },
    ),
    { numRuns: 300 },
  );
  expect(ciphers).toBeGreaterThan(500);
});
