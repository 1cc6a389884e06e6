import type { KeyObject } from "node:crypto";
import { setImmediate } from "node:timers";
import type { DeliveryCounts } from "../codec/control-frame.js";
import { SessionError } from "../errors.js";
import type { ConnectionSecurity } from "../security.js";
import type { ResumableSession } from "./resumable-session.js";
import type { ResumeDecision, ResumeRequest } from "./resume-request.js";

/** Sessions without a connection at once; one more evicts another. */
const MAX_DETACHED = 1_024;

/** Sessions that have ended and are remembered. */
const MAX_TOMBSTONES = 10_000;

/** How long one is remembered, in milliseconds. */
const TOMBSTONE_MS = 600_000;

/** The remains of a session that has ended: enough to tell its client exactly how many messages had arrived. */
interface Tombstone {
  readonly key: KeyObject;
  readonly counts: DeliveryCounts;
  readonly since: number;
  /** Its key was withdrawn: the client is told nothing. */
  readonly isRefused: boolean;
}

const UNKNOWN: ResumeDecision = { answer: { how: "unknown" } };
const REFUSED: ResumeDecision = { answer: { how: "refused" } };

export interface ResumeRegistryOptions {
  /** Returns the reason if no session without a connection can have one at the moment. @default never */
  readonly busy?: () => SessionError | undefined;
  /** @default Math.random */
  readonly random?: () => number;
  /** Milliseconds from any start. @default performance.now */
  readonly now?: () => number;
}

/** The resumable sessions of a server: finds the one that a client comes back for, and decides whether it may have it. */
export class ResumeRegistry {
  readonly #sessions = new Map<string, ResumableSession>();
  readonly #detached = new Set<ResumableSession>();
  /** Those whose client is back, on a connection that is established before the event loop turns. */
  readonly #returning = new Set<ResumableSession>();
  /** Oldest first. */
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #busy: () => SessionError | undefined;
  readonly #random: () => number;
  readonly #now: () => number;

  constructor({
    busy = () => undefined,
    random = Math.random,
    now = () => performance.now(),
  }: ResumeRegistryOptions = {}) {
    this.#busy = busy;
    this.#random = random;
    this.#now = now;
  }

  /** Sessions without a connection. */
  get detachedSessions(): number {
    return this.#detached.size;
  }

  /** Sessions that have a connection in a moment: no other client may take their places. */
  get returningSessions(): number {
    return this.#returning.size;
  }

  add(session: ResumableSession): void {
    this.#sessions.set(nameOf(session), session);
  }

  attached(session: ResumableSession): void {
    this.#detached.delete(session);
    this.#returning.delete(session);
  }

  detached(session: ResumableSession): void {
    this.#detached.add(session);
    // Not within the end of its connection: it may be the victim itself.
    if (this.#isCrowded) queueMicrotask(this.#evict);
  }

  /** None is evicted for those whose client is back. */
  get #isCrowded(): boolean {
    return this.#detached.size - this.#returning.size > MAX_DETACHED;
  }

  readonly #evict = (): void => {
    if (!this.#isCrowded) return;
    this.#victim()?.owner.evict(`more than ${MAX_DETACHED} sessions have no connection`);
  };

  /** The session has ended. @param isRefused whether its key was withdrawn */
  remove(session: ResumableSession, isRefused = false): void {
    const name = nameOf(session);
    this.#detached.delete(session);
    this.#returning.delete(session);
    if (!this.#sessions.delete(name)) return;
    this.#tombstones.set(name, { key: session.key, counts: session.counts, since: this.#now(), isRefused });
    for (const [oldest, { since }] of this.#tombstones) {
      if (this.#tombstones.size <= MAX_TOMBSTONES && this.#now() - since < TOMBSTONE_MS) break;
      this.#tombstones.delete(oldest);
    }
  }

  /**
   * Decides about a RESUME. If it is good, the old connection has ended when this returns, and nothing that it brings counts any more:
   * otherwise a message could be counted twice. Without the attempts, an old RESUME that arrives late would end a connection that is live.
   * @throws SessionError IPC_HANDSHAKE_FAILED for an old attempt, IPC_RECORD_INVALID for impossible counts, IPC_SERVER_BUSY
   */
  readonly decide = (request: ResumeRequest): ResumeDecision => {
    const { id, attempt, received } = request;
    const name = Buffer.from(id).toString("latin1");
    const session = this.#sessions.get(name);
    if (session === undefined) return this.#remember(name, request);
    if (!request.isProved(session) || !isSamePeer(request, session)) return REFUSED;
    if (attempt <= session.attempt) {
      throw new SessionError(
        "IPC_HANDSHAKE_FAILED",
        `resume rejected: attempt ${attempt}, and attempt ${session.attempt} of the same session came before; the client goes on with the newer connection`,
      );
    }
    if (!session.isPossible({ received })) {
      throw new SessionError(
        "IPC_RECORD_INVALID",
        `invalid resume: the client has received ${received} messages, of ${session.resend.written} that were sent; the peer does not speak this protocol`,
      );
    }
    // One that has a connection makes room for itself, and so does one that has come back in this turn already.
    const isAway = this.#detached.has(session) && !this.#returning.has(session);
    const busy = isAway ? this.#busy() : undefined;
    if (busy !== undefined) throw busy;
    session.attempt = attempt;
    this.#keepPlace(session);
    session.owner.fence();
    return {
      answer: { how: "resumed", session, attempt, received, taken: undefined },
      proved: { key: session.key, counts: session.counts },
    };
  };

  /**
   * The handshakes of other clients may end between this one's answer and its end: none of them gets the place. All that is left of
   * this handshake are microtasks, so if the session has no connection in the next turn, its client is away again.
   */
  #keepPlace(session: ResumableSession): void {
    this.#returning.add(session);
    setImmediate(() => {
      if (this.#returning.delete(session)) this.#evict();
    });
  }

  #remember(name: string, request: ResumeRequest): ResumeDecision {
    const tombstone = this.#tombstones.get(name);
    if (tombstone === undefined || this.#now() - tombstone.since >= TOMBSTONE_MS) return UNKNOWN;
    const { key, counts, isRefused } = tombstone;
    if (isRefused || !request.isProved({ key })) return REFUSED;
    return { answer: { how: "expired", ...counts }, proved: { key, counts } };
  }

  /** A session without a proved peer, so that strangers cannot push out the others; at random, so that none can choose which. */
  #victim(): ResumableSession | undefined {
    const all = [...this.#detached].filter((session) => !this.#returning.has(session));
    const strangers = all.filter(({ security }) => !security.peer.psk && security.peer.key === undefined);
    const candidates = strangers.length > 0 ? strangers : all;
    return candidates[Math.floor(this.#random() * candidates.length)];
  }
}

function nameOf({ id }: ResumableSession): string {
  return Buffer.from(id).toString("latin1");
}

/** Whether the client has proved the same in both connections. */
function isSamePeer(
  { mode, security }: { readonly mode: number; readonly security: ConnectionSecurity },
  session: ResumableSession,
): boolean {
  const [now, before] = [security.peer.key, session.security.peer.key];
  if (mode !== session.mode || (now === undefined) !== (before === undefined)) return false;
  return now === undefined || before === undefined || Buffer.compare(now, before) === 0;
}
