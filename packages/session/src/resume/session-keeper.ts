import type { EstablishedConnection, ResumeAnswer } from "../codec/codec.js";
import type { DeliveryCounts } from "../codec/control-frame.js";
import type { IpcError, SessionLostCode, SessionLostError } from "../errors.js";
import type { SharedBudget } from "../shared-budget.js";
import { startTimeLimit, type TimeLimit } from "../time-limit.js";
import { ResumableSession, type SessionOwner } from "./resumable-session.js";
import type { ResumeLimits } from "./resume-options.js";
import type { ResumeRegistry } from "./resume-registry.js";
import type { ResumeClaim } from "./resume-request.js";

/** How a peer resumes. */
export interface ResumeStart {
  readonly limits: ResumeLimits;
  /** A server's sessions. @default a client's only one is registered nowhere */
  readonly registry?: ResumeRegistry;
  /** Budget of kept bytes that several peers share. */
  readonly budget?: SharedBudget;
}

/** How a session without a connection has ended. */
export interface HowLost {
  /** The answer of the server that was asked to continue it. */
  readonly answer?: ResumeAnswer | undefined;
  /** Whether the key of the peer was withdrawn. */
  readonly isRefused?: boolean;
}

const ENDS: ReadonlySet<string> = new Set<SessionLostCode>([
  "IPC_PEER_CLOSED",
  "IPC_LISTENER_FAILED",
  "IPC_SECURITY_REFUSED",
  "IPC_SERVER_BUSY",
]);

/** Begins and ends the resumable sessions of one peer, one after another, and bounds the time that one waits for a connection. */
export class SessionKeeper {
  readonly #start: ResumeStart;
  readonly #owner: SessionOwner;
  #expiry: TimeLimit | undefined;
  #detachedAt = 0;
  /** While a client asks its server to continue the session, this does not expire. */
  #isClaimed = false;
  #isExpired = false;

  constructor(start: ResumeStart, owner: SessionOwner) {
    this.#start = start;
    this.#owner = owner;
  }

  /** Begins the session of a new connection; undefined if not both sides can resume. */
  begin({ outcome }: EstablishedConnection, onSettled: () => void): ResumableSession | undefined {
    const { resume, codec } = outcome;
    if (resume === undefined) return undefined;
    const { limits, registry, budget } = this.#start;
    const { keys, mode } = resume;
    const { bufferBytes } = limits;
    const owner = this.#owner;
    const session = new ResumableSession({
      keys,
      mode,
      security: codec.security,
      bufferBytes,
      budget,
      owner,
      onSettled,
    });
    registry?.add(session);
    return session;
  }

  /** The connection was cut: the session waits for the next one. */
  detach(session: ResumableSession): void {
    const { ttlMs } = this.#start.limits;
    this.#isExpired = false;
    this.#detachedAt = performance.now();
    this.#expiry = startTimeLimit(ttlMs, () => {
      this.#isExpired = true;
      if (!this.#isClaimed) this.#expire();
    });
    this.#start.registry?.detached(session);
  }

  /** The session has a connection again. Returns for how long it had none, in milliseconds. */
  attach(session: ResumableSession): number {
    this.#expiry?.cancel();
    this.#isClaimed = false;
    this.#start.registry?.attached(session);
    return performance.now() - this.#detachedAt;
  }

  /** Begins an attempt to continue a session. */
  claim(session: ResumableSession): ResumeClaim {
    this.#isClaimed = true;
    session.attempt++;
    return { session, attempt: session.attempt };
  }

  /** The attempt has failed. */
  unclaim(): void {
    if (!this.#isClaimed) return;
    this.#isClaimed = false;
    if (this.#isExpired) this.#expire();
  }

  /** Ends a session whose last connection has ended with `error`. */
  end(session: ResumableSession, error: IpcError): SessionLostError {
    const code = ENDS.has(error.code) ? (error.code as SessionLostCode) : "IPC_CONNECTION_LOST";
    const isRefused = code === "IPC_SECURITY_REFUSED";
    return this.#end(session, code, error.message, { cause: error, isRefused });
  }

  /** Ends a session that has no connection. */
  lose(session: ResumableSession, why: string, { answer, isRefused }: HowLost): SessionLostError {
    const final = answer?.how === "expired" ? answer : undefined;
    return this.#end(session, "IPC_SESSION_LOST", `session lost: ${why}`, { final, isRefused });
  }

  /** Frees a session that this side closes. */
  close(session: ResumableSession, error: Error): void {
    this.#forget(session);
    session.close(error);
  }

  #end(
    session: ResumableSession,
    code: SessionLostCode,
    what: string,
    { isRefused, ...options }: { final?: DeliveryCounts | undefined; cause?: Error; isRefused?: boolean | undefined },
  ): SessionLostError {
    this.#forget(session, isRefused);
    return session.end(code, what, options);
  }

  #forget(session: ResumableSession, isRefused?: boolean): void {
    this.#expiry?.cancel();
    this.#isClaimed = false;
    this.#start.registry?.remove(session, isRefused);
  }

  #expire(): void {
    this.#isExpired = false;
    this.#owner.evict(`no connection for ${this.#start.limits.ttlMs} ms, the limit of \`resume.ttlMs\``);
  }
}
