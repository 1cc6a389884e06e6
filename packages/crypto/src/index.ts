export { CryptoError, type CryptoErrorCode } from "./crypto-error.js";
export { decodeIdentityKey, encodeIdentityKey, IDENTITY_KEY_BYTES } from "./identity-key.js";
export {
  deriveMessageKey,
  deriveSharedX,
  generateKeyPair,
  type KeyPair,
  keyPairFromScalar,
  PUBLIC_KEY_BYTES,
} from "./key-exchange.js";
export {
  type DirectionKeys,
  deriveSessionKeys,
  PSK_BYTES,
  pskFromBytes,
  type SessionKeys,
  type TrafficKeys,
} from "./key-schedule.js";
export { MessageCipher, type MessageCipherOptions, SEAL_OVERHEAD_BYTES, TAG_BYTES } from "./message-cipher.js";
export { CountedNonces, NONCE_BYTES, type NonceSource } from "./nonce-source.js";
export { type AuthBinding, makeAuth, type Side, verifyAuth } from "./peer-auth.js";
export {
  decodeRecordHeader,
  RECORD_DATA_MAX_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  RECORD_OVERHEAD_BYTES,
  type RecordHeader,
  type RecordKind,
} from "./record-header.js";
export { RecordOpener, type SealedRecord } from "./record-opener.js";
export { RecordReader } from "./record-reader.js";
export { RecordSealer } from "./record-sealer.js";
export type { RecordCipherOptions } from "./record-sequence.js";
export { hashTranscript, type Transcript } from "./transcript.js";
