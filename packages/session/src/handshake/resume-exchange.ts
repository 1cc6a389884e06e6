import {
  CryptoError,
  decodeRecordHeader,
  makeResumeProof,
  RECORD_HEADER_BYTES,
  RECORD_KIND,
  RESUME_PROOF_BYTES,
  type ResumeKeys,
  verifyResumeProof,
} from "@ipc/crypto";
import type { ResumeAnswer } from "../codec/codec.js";
import type { DeliveryCounts } from "../codec/control-frame.js";
import type { RecordCodec } from "../codec/record-codec.js";
import { decodeResume, decodeResumed, encodeResume, encodeResumed } from "../codec/resume-frame.js";
import { SessionError } from "../errors.js";
import type { DecideResume, ResumeClaim, ResumeRequest } from "../resume/resume-request.js";
import type { ConnectionSecurity } from "../security.js";
import { type Handshake, receive, send } from "./steps.js";

/** The longest record of the exchange, in bytes: a control frame, its header and the tag. */
const RECORD_MAX_BYTES = 160;

/** The connection on which a session is resumed. */
export interface ResumeChannel {
  readonly codec: RecordCodec;
  /** The transcript hash of this connection, 32 bytes. */
  readonly transcriptHash: Uint8Array;
  /** The keys of the session that begins if the other one is not continued. */
  readonly keys: ResumeKeys;
  /** The proofs of this connection's handshake, as MODE bits. */
  readonly mode: number;
}

const NO_COUNTS: DeliveryCounts = { received: 0, taken: 0 };

/**
 * Runs the client's side: sends RESUME and returns what the server has answered.
 * @throws SessionError IPC_RECORD_INVALID; CryptoError IPC_AUTHENTICATION_FAILED if the server does not have the session's key
 */
export function* requestResume(channel: ResumeChannel, { session, attempt }: ResumeClaim): Handshake<ResumeAnswer> {
  const { codec, transcriptHash, keys } = channel;
  const { id, key } = session;
  const request = encodeResume({ session: id, attempt, received: session.counts.received });
  const proof = makeResumeProof({ role: "client", key, transcriptHash }, request);
  yield* send(codec.sealControl(Buffer.concat([request, proof])));
  const answer = decodeResumed(codec.openControl(yield* receiveRecord("the server's RESUMED")));
  const { how, received, taken } = answer.frame;
  const goesOn = how === "resumed" ? id : keys.id;
  if (Buffer.compare(answer.frame.session, goesOn) !== 0)
    invalid("RESUMED names another session than the one that goes on");
  if (how === "unknown" || how === "refused") return { how };
  if (!verifyResumeProof({ role: "server", key, transcriptHash }, answer.proved, answer.proof)) {
    throw new CryptoError(
      "IPC_AUTHENTICATION_FAILED",
      "the server's RESUMED is not proved with the key of the session: it is another server than the one of the first connection",
    );
  }
  if (!session.isPossible(answer.frame))
    invalid(`RESUMED says that ${received} messages were received and ${taken} taken`);
  return how === "resumed" ? { how, attempt, received, taken } : { how, received, taken };
}

/**
 * Runs the server's side: receives RESUME, lets `decide` judge it, and answers.
 * @throws SessionError IPC_RECORD_INVALID, and what `decide` throws
 */
export function* answerResume(
  channel: ResumeChannel,
  security: ConnectionSecurity,
  decide: DecideResume,
): Handshake<ResumeAnswer> {
  const { codec, transcriptHash, keys, mode } = channel;
  const { frame, proved, proof } = decodeResume(codec.openControl(yield* receiveRecord("the client's RESUME")));
  const { session: id, attempt, received } = frame;
  const isProved: ResumeRequest["isProved"] = ({ key }) =>
    verifyResumeProof({ role: "client", key, transcriptHash }, proved, proof);
  const decision = decide({ id, attempt, received, mode, security, isProved });
  const { how } = decision.answer;
  const counts = decision.proved?.counts ?? NO_COUNTS;
  const data = encodeResumed({ how, session: how === "resumed" ? id : keys.id, ...counts });
  const key = decision.proved?.key;
  const own = key === undefined ? NO_PROOF : makeResumeProof({ role: "server", key, transcriptHash }, data);
  yield* send(codec.sealControl(Buffer.concat([data, own])));
  return decision.answer;
}

const NO_PROOF: Uint8Array = new Uint8Array(RESUME_PROOF_BYTES);

function* receiveRecord(what: string): Handshake<Parameters<RecordCodec["openControl"]>[0]> {
  const { kind, length } = decodeRecordHeader(yield* receive(RECORD_HEADER_BYTES, what), RECORD_KIND.data);
  if (length > RECORD_MAX_BYTES)
    invalid(`${what} is expected in a record of at most ${RECORD_MAX_BYTES} bytes, got ${length}`);
  return { kind, sealed: yield* receive(length, what) };
}

function invalid(what: string): never {
  throw new SessionError("IPC_RECORD_INVALID", `invalid resume: ${what}; the peer does not speak this protocol`);
}
