export { CryptoError, type CryptoErrorCode } from "./crypto-error.js";
export {
  deriveMessageKey,
  deriveSharedX,
  generateKeyPair,
  type KeyPair,
  keyPairFromScalar,
  PUBLIC_KEY_BYTES,
} from "./key-exchange.js";
export { MessageCipher, type MessageCipherOptions, SEAL_OVERHEAD_BYTES, TAG_BYTES } from "./message-cipher.js";
export { CountedNonces, NONCE_BYTES, type NonceSource } from "./nonce-source.js";
