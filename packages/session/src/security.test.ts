import { expect, test } from "vitest";
import { describeSecurity } from "./security.js";

const key = new Uint8Array(32).fill(0x77);

test.each([
  ["plain: nothing is encrypted", { mode: "plain", peer: { psk: false } }],
  ["compatible: golang-ipc's encryption, the peer is anonymous", { mode: "compatible", peer: { psk: false } }],
  ["secure, the peer is anonymous", { mode: "secure", peer: { psk: false } }],
  ["secure, the peer proved a pre-shared key", { mode: "secure", peer: { psk: true } }],
  ["secure, the peer proved its signature", { mode: "secure", peer: { psk: false, key } }],
  ["secure, the peer proved a pre-shared key and its signature", { mode: "secure", peer: { psk: true, key } }],
] as const)("%s", (words, security) => {
  expect(describeSecurity(security)).toBe(words);
});
