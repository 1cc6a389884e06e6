import { createSecretKey, generateKeyPairSync } from "node:crypto";
import { deriveMessageKey, deriveSharedSecret, keyPairFromScalar, MessageCipher } from "@ipc/crypto";
import { assert, boolean, constantFrom, integer, oneof, property, tuple, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { recordPair } from "../../test/record-pair.js";
import type { HandshakeOutcome } from "../codec/codec.js";
import { isIpcError } from "../errors.js";
import { type Credentials, NO_CREDENTIALS } from "../negotiation/credentials.js";
import { clientHandshake } from "./client-handshake.js";
import { serverHandshake } from "./server-handshake.js";
import type { Handshake, HandshakeAnswer } from "./steps.js";

const ours = keyPairFromScalar(new Uint8Array(48).fill(1));
const theirs = keyPairFromScalar(new Uint8Array(48).fill(2));
const { privateKey } = generateKeyPairSync("ed25519");
const cipher = new MessageCipher(deriveMessageKey(deriveSharedSecret(theirs.privateKey, ours.publicKey)));

const EVERYTHING: Credentials = {
  ...NO_CREDENTIALS,
  psks: [createSecretKey(new Uint8Array(32)), createSecretKey(new Uint8Array(32).fill(1))],
  identity: privateKey,
  trustedPeers: [new Uint8Array(32)],
};

/** Runs a handshake against these bytes; gives what it throws, or undefined. */
function errorOf(running: Handshake<HandshakeOutcome>, input: Uint8Array): unknown {
  let rest = input;
  try {
    let step = running.next();
    while (step.done !== true) {
      let answer: HandshakeAnswer;
      const { value } = step;
      if (value.kind === "keyPair") answer = ours;
      if (value.kind === "sharedSecret") answer = deriveSharedSecret(value.privateKey, value.publicKey);
      if (value.kind === "receive") {
        if (rest.length < value.bytes) return undefined;
        answer = rest.subarray(0, value.bytes);
        rest = rest.subarray(value.bytes);
      }
      step = running.next(answer);
    }
    return undefined;
  } catch (error) {
    return error;
  }
}

const junk = uint8Array({ minLength: 0, maxLength: 700 });
/** Junk, or what looks like an AUTH and is none. */
const auth = oneof(
  junk,
  tuple(integer({ min: 16, max: 512 }), junk).map(([length, bytes]) =>
    Buffer.concat([Buffer.of(1, 0, length >>> 8, length & 0xff), bytes, Buffer.alloc(512)]),
  ),
);

test("a server's handshake rejects with an error of the library, or waits, for any bytes of a client", () => {
  assert(
    property(
      boolean(),
      constantFrom(NO_CREDENTIALS, EVERYTHING),
      integer({ min: 0, max: 255 }),
      auth,
      (isJunk, credentials, select, tail) => {
        const running = serverHandshake({ encryption: true, maxMessageSize: 1_024, credentials });
        const input = isJunk ? tail : Buffer.concat([Buffer.of(0), theirs.publicKey, Buffer.of(select), tail]);
        const error = errorOf(running, input);
        expect(error === undefined || isIpcError(error)).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});

test("a client's handshake rejects with an error of the library, or waits, for any bytes of a server", () => {
  const offer = tuple(integer({ min: 0, max: 255 }), integer({ min: 0, max: 255 }), junk).map(
    ([accept, require, more]) =>
      Buffer.concat([Buffer.from("0030000049504358", "hex"), Buffer.of(1, accept, require), more]),
  );
  assert(
    property(
      boolean(),
      constantFrom(NO_CREDENTIALS, EVERYTHING),
      oneof(offer, junk),
      auth,
      (isJunk, credentials, limits, tail) => {
        const running = clientHandshake({ name: "orders", maxMessageSize: 2_048, encryption: true, credentials });
        const body = cipher.seal(limits);
        const length = Buffer.of(0, 0, body.length >>> 8, body.length & 0xff);
        const input = isJunk ? tail : Buffer.concat([Buffer.of(2, 1), theirs.publicKey, length, body, tail]);
        const error = errorOf(running, input);
        expect(error === undefined || isIpcError(error)).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});

test("a secure session ends with an error of the library, or waits, for any bytes behind the handshake", () => {
  assert(
    property(uint8Array({ minLength: 1, maxLength: 2_000 }), integer({ min: 0, max: 4 }), (bytes, kind) => {
      const [, far] = recordPair();
      const decoder = far.createDecoder(1_024);
      let error: unknown;
      try {
        decoder.push(Buffer.concat([Buffer.of(kind), bytes]));
        expect(decoder.nextMessage()).toBeUndefined();
        decoder.end();
      } catch (failure) {
        error = failure;
      }
      expect(isIpcError(error)).toBe(true);
    }),
    { numRuns: 500 },
  );
});
