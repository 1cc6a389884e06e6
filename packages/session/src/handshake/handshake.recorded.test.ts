import { readFileSync } from "node:fs";
import { CountedNonces, deriveSharedSecret, keyPairFromScalar, type NonceSource } from "@ipc/crypto";
import type { MessageBody } from "@ipc/framing";
import { describe, expect, test } from "vitest";
import { encodedBytes } from "../../test/encoded-bytes.js";
import type { HandshakeOutcome, MessageCodec } from "../codec/codec.js";
import { NO_CREDENTIALS } from "../negotiation/credentials.js";
import { clientHandshake } from "./client-handshake.js";
import { serverHandshake } from "./server-handshake.js";
import type { Handshake, HandshakeAnswer } from "./steps.js";

interface Step {
  readonly from: "go" | "ours";
  readonly what: string;
  readonly hex: string;
  readonly decoded?: { readonly type: number; readonly data: string };
}
interface Conversation {
  readonly peer: string;
  readonly ourRole: "client" | "server";
  readonly encryption: boolean;
  readonly ourPrivateKey?: string;
  readonly steps: readonly Step[];
}

const file = new URL("../../../../internal/conformance/vectors/golang-ipc-conversations.json", import.meta.url);
const recorded = JSON.parse(readFileSync(file, "utf8")) as Conversation[];
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");

/** The recorded side had no offer in its limits. */
const GOLANG = { ...NO_CREDENTIALS, supportsSecure: false };

function handshakeOf({ ourRole, encryption }: Conversation, nonces: NonceSource): Handshake<HandshakeOutcome> {
  return ourRole === "client"
    ? clientHandshake({ name: "recorded", maxMessageSize: 2_048, encryption, nonces })
    : serverHandshake({ encryption, credentials: GOLANG, maxMessageSize: 3_145_728, nonces });
}

/** Replays the handshake: each of our items is the recorded one, each of Go's is asked for whole. Returns what follows. */
function shakeHands(conversation: Conversation, nonces: NonceSource): { outcome: HandshakeOutcome; rest: Step[] } {
  const rest = [...conversation.steps];
  const handshake = handshakeOf(conversation, nonces);
  let step = handshake.next();
  while (step.done !== true) {
    let answer: HandshakeAnswer;
    const { value } = step;
    if (value.kind === "keyPair") answer = keyPairFromScalar(bytes(conversation.ourPrivateKey ?? ""));
    if (value.kind === "sharedSecret") answer = deriveSharedSecret(value.privateKey, value.publicKey);
    if (value.kind === "send") {
      expect(["ours", hexOf(value.bytes)]).toEqual([rest[0]?.from, rest[0]?.hex]);
      rest.shift();
    }
    if (value.kind === "receive") {
      expect(["go", value.bytes * 2]).toEqual([rest[0]?.from, rest[0]?.hex.length]);
      answer = bytes(rest.shift()?.hex ?? "");
    }
    step = handshake.next(answer);
  }
  return { outcome: step.value, rest };
}

/** The message that we sent: the one that the recording names, or the one that came last. */
function sentMessage({ what }: Step, last: MessageBody | undefined): MessageBody {
  const [, type, text] = /^message type (\d+) data "(.*)"$/.exec(what) ?? [];
  if (type !== undefined && text !== undefined) return { type: Number(type), data: new TextEncoder().encode(text) };
  if (what !== "echo" || last === undefined) throw new Error(`not understood: ${what}`);
  return last;
}

const WAYS: Readonly<Record<string, (codec: MessageCodec, message: MessageBody) => string>> = {
  "as one frame": (codec, { type, data }) => {
    const frame = new Uint8Array(data.length + codec.frameOverhead);
    codec.writeFrame(frame, 0, type, data);
    return hexOf(frame);
  },
  "in portions": (codec, { type, data }) => hexOf(encodedBytes(codec, type, data)),
};

describe.each(Object.entries(WAYS))("messages written %s", (_how, write) => {
  test("decode to the recorded messages, and both handshakes equal the recorded bytes in each conversation", () => {
    const received: unknown[] = [];
    const expected: unknown[] = [];
    for (const conversation of recorded) {
      const nonces = new CountedNonces(new Uint8Array(8).fill(0x11));
      const { outcome, rest } = shakeHands(conversation, nonces);
      const { codec, maxSendSize } = outcome;
      expect(maxSendSize).toBe(3_145_728);
      expect(codec.security.mode).toBe(conversation.encryption ? "compatible" : "plain");
      const decoder = codec.createDecoder(maxSendSize);
      let last: MessageBody | undefined;
      for (const step of rest) {
        if (step.from === "ours") {
          expect({ what: step.what, hex: write(codec, sentMessage(step, last)) }).toEqual({
            what: step.what,
            hex: step.hex,
          });
          continue;
        }
        decoder.push(bytes(step.hex));
        const message = decoder.nextMessage();
        // Go sends a length and its body apart: a message is there exactly after the body.
        expect(message === undefined).toBe(step.decoded === undefined);
        if (message === undefined || step.decoded === undefined) continue;
        last = message;
        const { type, data } = step.decoded;
        expected.push([type, /^(00)+$/.test(data) ? data : Buffer.from(data).toString("hex")]);
        received.push([message.type, hexOf(message.data)]);
      }
      decoder.end();
    }
    expect(received).toHaveLength(10);
    expect(received).toEqual(expected);
  });
});

test("four conversations are recorded: both roles, plain and encrypted", () => {
  expect(recorded.map(({ ourRole, encryption }) => [ourRole, encryption])).toEqual([
    ["client", false],
    ["server", false],
    ["client", true],
    ["server", true],
  ]);
});
