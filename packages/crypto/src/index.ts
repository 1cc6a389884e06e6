export { CryptoError, type CryptoErrorCode } from "./crypto-error.js";
export { FREED_FROM_BYTES, freeMemory } from "./free-memory.js";
export {
  deriveMessageKey,
  deriveSharedSecret,
  generateKeyPair,
  type KeyPair,
  keyPairFromScalar,
  PUBLIC_KEY_BYTES,
} from "./key-exchange.js";
export {
  type DirectionKeys,
  deriveSessionKeys,
  importPsk,
  PSK_BYTES,
  type SessionKeys,
  type TrafficKeys,
} from "./key-schedule.js";
export { MessageCipher, type MessageCipherOptions, SEAL_OVERHEAD_BYTES, TAG_BYTES } from "./message-cipher.js";
export { CountedNonces, NONCE_BYTES, type NonceSource } from "./nonce-source.js";
export {
  type AuthBinding,
  decodeIdentityKey,
  encodeIdentityKey,
  hashTranscript,
  IDENTITY_KEY_BYTES,
  isWeakIdentityKey,
  makeAuth,
  type Role,
  type Transcript,
  verifyAuth,
} from "./peer-auth.js";
export { type OpenedPiece, RecordDecoder } from "./record-decoder.js";
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
export { RecordSealer } from "./record-sealer.js";
export type { RecordCipherOptions } from "./record-sequence.js";
export {
  deriveResumeKeys,
  makeResumeProof,
  RESUME_ID_BYTES,
  RESUME_PROOF_BYTES,
  type ResumeBinding,
  type ResumeKeys,
  verifyResumeProof,
} from "./resume-proof.js";
