import { deriveMessageKey, type KeyPair, MessageCipher, type NonceSource, PUBLIC_KEY_BYTES } from "@ipc/crypto";
import type { MessageCodec } from "../codec/codec.js";
import { GolangIpcCodec, PlainCodec } from "../codec/frame-codec.js";
import { type Handshake, keyPair, receive, send, sharedSecret } from "./steps.js";

/** What both sides have when their public keys have crossed. */
export interface KeyAgreement {
  readonly pair: KeyPair;
  readonly theirs: Uint8Array;
  /** Wiped when the handshake has ended, however it did. */
  readonly sharedSecret: Uint8Array;
  readonly cipher: MessageCipher;
}

/** The exchange is the same on both sides: send ours, receive theirs. */
export function* agreeOnKeys(nonces: NonceSource | undefined): Handshake<KeyAgreement> {
  const pair = yield* keyPair();
  yield* send(pair.publicKey);
  const theirs = yield* receive(PUBLIC_KEY_BYTES, "the peer's public key");
  const x = yield* sharedSecret(pair.privateKey, theirs);
  const cipher = new MessageCipher(deriveMessageKey(x), nonces === undefined ? {} : { nonces });
  return { pair, theirs, sharedSecret: x, cipher };
}

/** golang-ipc's own protection, or none. */
export function golangIpcCodec(exchange: KeyAgreement | undefined): MessageCodec {
  return exchange === undefined ? new PlainCodec() : new GolangIpcCodec(exchange.cipher);
}
