import { createSecretKey } from "node:crypto";
import type { ResumeKeys } from "@ipc/crypto";
import { ResumableSession, type SessionOwner, type SessionStart } from "../src/resume/resumable-session.js";
import { ANONYMOUS_SECURITY } from "../src/security.js";

/** The keys of the session with this number, 0 … 255. */
export function keysOf(number: number): ResumeKeys {
  return { id: new Uint8Array(16).fill(number), key: createSecretKey(new Uint8Array(32).fill(number)) };
}

const IDLE: SessionOwner = { fence() {}, evict() {}, connect: () => true };

/** Creates a session without a connection. */
export function someSession(options: Partial<SessionStart> = {}): ResumableSession {
  return new ResumableSession({
    keys: keysOf(1),
    mode: 0,
    security: ANONYMOUS_SECURITY,
    bufferBytes: 1_000_000,
    budget: undefined,
    owner: IDLE,
    onSettled() {},
    ...options,
  });
}

/** Lets a session send so many messages over its connection, of which none has arrived yet. */
export function sendOf(session: ResumableSession, messages: number): void {
  for (let each = 1; each <= messages; each++) session.resend.keepMessage(each, Uint8Array.of(each), true);
}
