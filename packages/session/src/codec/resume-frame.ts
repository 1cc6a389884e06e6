import { RESUME_ID_BYTES, RESUME_PROOF_BYTES } from "@ipc/crypto";
import { readUint32, UINT32_BYTES, writeUint32 } from "@ipc/framing";
import { SessionError } from "../errors.js";
import { COUNT_BYTES, type DeliveryCounts, OP, readCount, writeCount } from "./control-frame.js";

/** Offsets in RESUME: `05 ‖ session(16) ‖ attempt u32 ‖ received u64 ‖ proof(32)`. */
const RESUME_AT = { session: 1, attempt: 1 + RESUME_ID_BYTES, received: 1 + RESUME_ID_BYTES + UINT32_BYTES } as const;
const RESUME_PROOF_AT: number = RESUME_AT.received + COUNT_BYTES;

/** Offsets in RESUMED: `06 ‖ how u8 ‖ session(16) ‖ received u64 ‖ taken u64 ‖ proof(32)`. */
const RESUMED_AT = { how: 1, session: 2, received: 2 + RESUME_ID_BYTES } as const;
const RESUMED_TAKEN_AT: number = RESUMED_AT.received + COUNT_BYTES;
const RESUMED_PROOF_AT: number = RESUMED_TAKEN_AT + COUNT_BYTES;

/** The answers of a server to RESUME, by the numbers on the wire. */
const HOW = ["resumed", "unknown", "expired", "refused"] as const;

type ResumeHow = (typeof HOW)[number];

/** A client asks to continue a session. */
export interface ResumeFrame {
  /** The id of the session, 16 bytes. */
  readonly session: Uint8Array;
  /** Grows with each RESUME of a session, 1 … 2^32-1. */
  readonly attempt: number;
  readonly received: number;
}

/** A server's answer. Without a proof the counts mean nothing. */
export interface ResumedFrame extends DeliveryCounts {
  readonly how: ResumeHow;
  /** The id of the session that goes on over this connection, 16 bytes. */
  readonly session: Uint8Array;
}

/** A frame with the proof of its sender, and the bytes that it proves. */
export interface Proved<F> {
  readonly frame: F;
  readonly proved: Uint8Array;
  readonly proof: Uint8Array;
}

/** Encodes RESUME without its proof, which is appended. */
export function encodeResume({ session, attempt, received }: ResumeFrame): Uint8Array {
  const data = new Uint8Array(RESUME_PROOF_AT);
  data[0] = OP.resume;
  data.set(session, RESUME_AT.session);
  writeUint32(data, RESUME_AT.attempt, attempt);
  writeCount(data, RESUME_AT.received, received);
  return data;
}

/** @throws SessionError IPC_RECORD_INVALID */
export function decodeResume(data: Uint8Array): Proved<ResumeFrame> {
  assertForm("RESUME", data, OP.resume, RESUME_PROOF_AT + RESUME_PROOF_BYTES);
  return {
    frame: {
      session: data.slice(RESUME_AT.session, RESUME_AT.attempt),
      attempt: readUint32(data, RESUME_AT.attempt),
      received: readCount(data, RESUME_AT.received),
    },
    proved: data.slice(0, RESUME_PROOF_AT),
    proof: data.slice(RESUME_PROOF_AT),
  };
}

/** Encodes RESUMED without its proof, which is appended. */
export function encodeResumed({ how, session, received, taken }: ResumedFrame): Uint8Array {
  const data = new Uint8Array(RESUMED_PROOF_AT);
  data[0] = OP.resumed;
  data[RESUMED_AT.how] = HOW.indexOf(how);
  data.set(session, RESUMED_AT.session);
  writeCount(data, RESUMED_AT.received, received);
  writeCount(data, RESUMED_TAKEN_AT, taken);
  return data;
}

/** @throws SessionError IPC_RECORD_INVALID */
export function decodeResumed(data: Uint8Array): Proved<ResumedFrame> {
  assertForm("RESUMED", data, OP.resumed, RESUMED_PROOF_AT + RESUME_PROOF_BYTES);
  const number = data[RESUMED_AT.how] as number;
  const how = HOW[number];
  if (how === undefined) {
    throw new SessionError(
      "IPC_RECORD_INVALID",
      `invalid RESUMED of the server: answer ${number}, expected 0 … ${HOW.length - 1}; the server does not speak this protocol`,
    );
  }
  return {
    frame: {
      how,
      session: data.slice(RESUMED_AT.session, RESUMED_AT.received),
      received: readCount(data, RESUMED_AT.received),
      taken: readCount(data, RESUMED_TAKEN_AT),
    },
    proved: data.slice(0, RESUMED_PROOF_AT),
    proof: data.slice(RESUMED_PROOF_AT),
  };
}

function assertForm(what: string, data: Uint8Array, op: number, bytes: number): void {
  if (data.length === bytes && data[0] === op) return;
  throw new SessionError(
    "IPC_RECORD_INVALID",
    `invalid frame of the handshake: ${data.length} bytes with op ${data[0] ?? "none"}, expected ${what} of ${bytes} bytes; the peer does not speak this protocol`,
  );
}
