import { CountedNonces, deriveSharedSecret, type KeyPair, keyPairFromScalar, PUBLIC_KEY_BYTES } from "@ipc/crypto";
import {
  type Credentials,
  clientHandshake,
  type Handshake,
  type HandshakeAnswer,
  type HandshakeOutcome,
  type HandshakeStep,
  serverHandshake,
} from "@ipc/session/handshake";
import type { Wire } from "@ipc-internal/stress";

export type Role = "server" | "client";

/** The limit that both sides announce: small, so that chance finds lengths beyond it, too. */
export const MAX_MESSAGE_SIZE = 4_096;

/** Always the same pairs: what was recorded with them can be opened by a receiver that is given its own again. */
const KEY_PAIRS: Readonly<Record<Role, KeyPair>> = {
  server: keyPairFromScalar(new Uint8Array(48).fill(0x21)),
  client: keyPairFromScalar(new Uint8Array(48).fill(0x42)),
};

const KNOWN_X = deriveSharedSecret(KEY_PAIRS.server.privateKey, KEY_PAIRS.client.publicKey);

/** One side's handshake, which says the same bytes each time, sealed limits included: a secure session's keys depend on them. */
export function makeHandshake(role: Role, wire: Wire): Handshake<HandshakeOutcome> {
  const encryption = wire !== "plain";
  const credentials = credentialsOf(wire);
  const nonces = new CountedNonces(new Uint8Array(8).fill(role === "server" ? 1 : 2));
  return role === "server"
    ? serverHandshake({
        encryption,
        maxMessageSize: MAX_MESSAGE_SIZE,
        instance: new Uint8Array(16),
        credentials,
        nonces,
      })
    : clientHandshake({ name: "mutated", maxMessageSize: MAX_MESSAGE_SIZE, encryption, credentials, nonces });
}

/** A step between two of our key pairs has an answer that is known; deriving it takes twenty times as long as all the rest. */
export function answerFromMemory(role: Role, step: HandshakeStep): HandshakeAnswer {
  if (step.kind === "keyPair") return KEY_PAIRS[role];
  const other = KEY_PAIRS[role === "server" ? "client" : "server"].publicKey;
  const isKnown =
    step.kind === "sharedSecret" && Buffer.compare(step.publicKey.subarray(0, PUBLIC_KEY_BYTES), other) === 0;
  // The handshake wipes what it is given.
  return isKnown ? Uint8Array.from(KNOWN_X) : undefined;
}

function credentialsOf(wire: Wire): Credentials {
  return { supportsSecure: wire === "secure", psks: [], identity: undefined, trustedPeers: undefined, require: false };
}
