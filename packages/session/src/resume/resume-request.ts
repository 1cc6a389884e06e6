import type { ResumeKeys } from "@ipc/crypto";
import type { ResumeAnswer } from "../codec/codec.js";
import type { DeliveryCounts } from "../codec/control-frame.js";
import type { ConnectionSecurity } from "../security.js";
import type { ResumableSession } from "./resumable-session.js";

/** A session that a client wants to continue. */
export interface ResumeClaim {
  readonly session: ResumableSession;
  readonly attempt: number;
}

/** A client wants to continue a session. */
export interface ResumeRequest {
  /** 16 bytes. */
  readonly id: Uint8Array;
  readonly attempt: number;
  readonly received: number;
  readonly mode: number;
  readonly security: ConnectionSecurity;
  /** Whether the client has the key of the session that it names. */
  readonly isProved: (session: Pick<ResumableSession, "key">) => boolean;
}

/** A server's decision, and what it tells the client. */
export interface ResumeDecision {
  readonly answer: ResumeAnswer;
  /** The server's own counts, which it proves with this key; undefined: it tells none. */
  readonly proved?: { readonly key: ResumeKeys["key"]; readonly counts: DeliveryCounts };
}

/** Decides what becomes of a session. @throws SessionError to end the connection without an answer */
export type DecideResume = (request: ResumeRequest) => ResumeDecision;
