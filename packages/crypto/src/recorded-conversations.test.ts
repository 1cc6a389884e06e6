import { createSecretKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { deriveMessageKey, deriveSharedSecret, keyPairFromScalar } from "./key-exchange.js";
import { MessageCipher } from "./message-cipher.js";
import { CountedNonces } from "./nonce-source.js";

interface Step {
  readonly from: "go" | "ours";
  readonly what: string;
  readonly hex: string;
  readonly decoded?: { readonly type?: number; readonly data?: string; readonly maxMessageSize?: number };
}
interface Conversation {
  readonly peer: string;
  readonly encryption: boolean;
  readonly ourPrivateKey: string;
  readonly sharedKey: string;
  readonly steps: readonly Step[];
}

const file = new URL("../../../internal/conformance/vectors/golang-ipc-conversations.json", import.meta.url);
const recorded = (JSON.parse(readFileSync(file, "utf8")) as Conversation[]).filter(({ encryption }) => encryption);
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (data: Uint8Array | KeyObject): string =>
  Buffer.from(data instanceof Uint8Array ? data : data.export()).toString("hex");

/** `u32 type ‖ data`, or `u32 maxMessageSize`, as the recording describes it. */
function plaintextOf({ decoded }: Step): string {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(decoded?.type ?? decoded?.maxMessageSize ?? -1);
  const data = decoded?.data ?? "";
  // Go's example sends eight zero bytes, which the recording shows as digits.
  return head.toString("hex") + (/^(00)+$/.test(data) ? data : Buffer.from(data).toString("hex"));
}

/** Our sealed bodies: all that ours sent behind a length, which start with our nonce. */
const ourBodies = ({ steps }: Conversation): string[] =>
  steps
    .filter(({ from, hex }) => from === "ours" && hex.slice(8, 24) === "11".repeat(8))
    .map(({ hex }) => hex.slice(8));

test("has two recorded encrypted conversations, one with each kind of peer", () => {
  expect(recorded.map(({ peer }) => peer.split(" ")[1])).toEqual(["server", "client"]);
  expect(recorded.map((conversation) => ourBodies(conversation).length)).toEqual([5, 3]);
});

describe.each(recorded)("the recorded conversation with a $peer", (conversation) => {
  const { ourPrivateKey, sharedKey, steps } = conversation;
  const pair = keyPairFromScalar(bytes(ourPrivateKey));
  const key = createSecretKey(bytes(sharedKey));

  test("derives the recorded public key from the recorded private key", () => {
    expect(hexOf(pair.publicKey)).toBe(steps.find(({ what }) => what === "our public key")?.hex);
  });

  test("derives the key that Go derived", () => {
    const theirs = steps.find(({ what }) => what === "Go public key")?.hex ?? "";
    expect(hexOf(deriveMessageKey(deriveSharedSecret(pair.privateKey, bytes(theirs))))).toBe(sharedKey);
  });

  test("opens the bodies that Go sealed", () => {
    const bodies = steps.filter(({ decoded }) => decoded !== undefined);
    expect(bodies.length).toBeGreaterThanOrEqual(2);
    const cipher = new MessageCipher(key);
    for (const step of bodies) expect(hexOf(cipher.open(bytes(step.hex)))).toBe(plaintextOf(step));
  });
});

test("seals the recorded bodies byte for byte, with a counter from 0 in each conversation", () => {
  for (const conversation of recorded) {
    const nonces = new CountedNonces(new Uint8Array(8).fill(0x11));
    const key = createSecretKey(bytes(conversation.sharedKey));
    const [sealing, opening] = [new MessageCipher(key, { nonces }), new MessageCipher(key)];
    for (const body of ourBodies(conversation)) {
      expect(hexOf(sealing.seal(opening.open(bytes(body))))).toBe(body);
    }
  }
});
