import { deriveMessageKey, type KeyPair, MessageCipher, type NonceSource, PUBLIC_KEY_BYTES } from "@ipc/crypto";
import type { MessageCodec } from "../codec/codec.js";
import { GolangIpcCodec, PlainCodec } from "../codec/frame-codec.js";
import { FEATURE } from "../negotiation/offer.js";
import { type Handshake, keyPair, receive, STAGE, send, sharedSecret } from "./steps.js";

/** Result of the key exchange on one side. */
export interface KeyAgreement {
  readonly pair: KeyPair;
  readonly theirs: Uint8Array;
  /** 48 bytes; wiped when the handshake succeeds or fails. */
  readonly sharedSecret: Uint8Array;
  readonly cipher: MessageCipher;
}

/** Sends this side's public key, then receives the peer's; both sides do the same. */
export function* agreeOnKeys(nonces: NonceSource | undefined): Handshake<KeyAgreement> {
  const pair = yield* keyPair();
  yield* send(pair.publicKey);
  const theirs = yield* receive(PUBLIC_KEY_BYTES, "the peer's public key", STAGE.publicKey);
  const x = yield* sharedSecret(pair.privateKey, theirs);
  const cipher = new MessageCipher(deriveMessageKey(x), nonces === undefined ? {} : { nonces });
  return { pair, theirs, sharedSecret: x, cipher };
}

/**
 * Returns the codec for golang-ipc's encryption, or for plain frames without a key agreement.
 * @param features those of both sides, as FEATURE bits; a peer in golang-ipc's encryption has none
 */
export function golangIpcCodec(exchange: KeyAgreement | undefined, features = 0): MessageCodec {
  if (exchange !== undefined) return new GolangIpcCodec(exchange.cipher);
  return new PlainCodec((features & FEATURE.controlFrames) === 0 ? "none" : "GOAWAY");
}
