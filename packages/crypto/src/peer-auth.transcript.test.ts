import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { hashTranscript, type Transcript } from "./peer-auth.js";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");

const SAID: Transcript = {
  hello: bytes("0201"),
  reply: bytes("00"),
  clientPublicKey: new Uint8Array(97).fill(0xcc),
  serverPublicKey: new Uint8Array(97).fill(0x55),
  limits: bytes("00000003 a1a2a3"),
  select: bytes("80"),
};

test("hashes the label and each item after its length with SHA-256, in the order of the handshake", () => {
  const joined = Buffer.concat([
    Buffer.from("ipcx/1 transcript"),
    bytes("00000002 0201"),
    bytes("00000001 00"),
    bytes(`00000061 ${"cc".repeat(97)}`),
    bytes(`00000061 ${"55".repeat(97)}`),
    bytes("00000007 00000003a1a2a3"),
    bytes("00000001 80"),
  ]);
  const hash = hashTranscript(SAID);
  expect(hash).toHaveLength(32);
  expect(hexOf(hash)).toBe(createHash("sha256").update(joined).digest("hex"));
});

describe("the transcript's hash changes", () => {
  test.each(Object.keys(SAID) as (keyof Transcript)[])("with any changed byte of %s", (item) => {
    const hashes = new Set([hexOf(hashTranscript(SAID))]);
    for (let at = 0; at < SAID[item].length; at++) {
      const changed = SAID[item].slice();
      changed[at] = (changed[at] as number) ^ 0x80;
      hashes.add(hexOf(hashTranscript({ ...SAID, [item]: changed })));
    }
    expect(hashes.size).toBe(SAID[item].length + 1);
  });

  test("when the same bytes are divided into items elsewhere", () => {
    const moved = { ...SAID, hello: bytes("02"), reply: bytes("0100") };
    expect(hexOf(hashTranscript(moved))).not.toBe(hexOf(hashTranscript(SAID)));
  });

  test("when the two keys are swapped", () => {
    const swapped = { ...SAID, clientPublicKey: SAID.serverPublicKey, serverPublicKey: SAID.clientPublicKey };
    expect(hexOf(hashTranscript(swapped))).not.toBe(hexOf(hashTranscript(SAID)));
  });
});
