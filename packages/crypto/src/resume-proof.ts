import { createHmac, type KeyObject, timingSafeEqual } from "node:crypto";
import { expand, importKey } from "./key-schedule.js";
import type { Role } from "./peer-auth.js";

/** Bytes of a resumable session's id. */
export const RESUME_ID_BYTES = 16;

/** Bytes of a proof that a side has the key of a resumable session. */
export const RESUME_PROOF_BYTES = 32;

const KEY_BYTES = 32;

/** The keys that name a resumable session, and prove that a side belongs to it. */
export interface ResumeKeys {
  /** 16 bytes. It proves nothing. */
  readonly id: Uint8Array;
  /** The HMAC key of the proofs; it never leaves the process. */
  readonly key: KeyObject;
}

/**
 * Derives id and key of a resumable session from the exporter of its first connection, so that they are bound to everything that the
 * two sides proved in that connection's handshake.
 */
export function deriveResumeKeys(exporter: KeyObject): ResumeKeys {
  return {
    id: expand(exporter, "ipcx/1 resume id", RESUME_ID_BYTES),
    key: importKey(expand(exporter, "ipcx/1 resume key", KEY_BYTES)),
  };
}

/** The values that a proof is bound to. */
export interface ResumeBinding {
  /** The side that proves. */
  readonly role: Role;
  /** The session's key. */
  readonly key: KeyObject;
  /** That of the new connection: a proof is worth nothing on another one. 32 bytes, as returned by `hashTranscript`. */
  readonly transcriptHash: Uint8Array;
}

/** Makes the proof of RESUME or RESUMED: `HMAC-SHA256(key, "ipcx/1 resume c" | "ipcx/1 resume s" ‖ transcript hash ‖ data)`. */
export function makeResumeProof({ role, key, transcriptHash }: ResumeBinding, data: Uint8Array): Uint8Array {
  const label = `ipcx/1 resume ${role === "client" ? "c" : "s"}`;
  return new Uint8Array(createHmac("sha256", key).update(label).update(transcriptHash).update(data).digest());
}

/** Returns whether `proof` is that of the binding's side for `data`; takes the same time for every proof of 32 bytes. */
export function verifyResumeProof(binding: ResumeBinding, data: Uint8Array, proof: Uint8Array): boolean {
  return proof.length === RESUME_PROOF_BYTES && timingSafeEqual(proof, makeResumeProof(binding, data));
}
