import type { UndeliveredMessage } from "@ipc/session";
import { decodeFrame, KIND } from "../wire/frame.js";

/** The end of a session that could be resumed. */
export interface SessionLoss {
  readonly error: unknown;
  /** The ids of the calls that have certainly not reached the other side. */
  readonly undelivered: ReadonlySet<number>;
}

interface Noted extends SessionLoss {
  /** How often the peer had resumed a session by then. */
  readonly resumes: number;
}

/**
 * The sessions that a peer has lost. A peer tells of a loss at once, while its messages and statuses may wait to be taken; so a loss is
 * kept until they have come as far.
 */
export class SessionLosses {
  readonly #messageType: number;
  readonly #noted: Noted[] = [];
  /** How often a session was resumed, as the statuses tell. */
  #resumes = 0;

  /** @param messageType of the calls */
  constructor(messageType: number) {
    this.#messageType = messageType;
  }

  /** @param resumes how often the peer has resumed a session */
  start(resumes: number): void {
    this.#resumes = resumes;
  }

  /** The statuses have come to the next connection. Returns whether that one continues the session. */
  goesOn(resumes: number): boolean {
    if (resumes <= this.#resumes) return false;
    this.#resumes++;
    return true;
  }

  note(error: unknown, resumes: number): void {
    let calls: ReadonlySet<number> | undefined;
    const read = (): ReadonlySet<number> => this.#callsIn(error);
    this.#noted.push({
      error,
      // To read all messages takes long, and is needed only for a call that waits for its answer.
      get undelivered() {
        calls ??= read();
        return calls;
      },
      resumes,
    });
  }

  /** Returns the loss of the session whose connection the statuses have come to the end of, if it was lost by then. */
  take(): SessionLoss | undefined {
    const first = this.#noted[0];
    if (first === undefined || first.resumes > this.#resumes) return undefined;
    return this.#noted.shift();
  }

  #callsIn(error: unknown): ReadonlySet<number> {
    const ids = new Set<number>();
    const { undelivered = [] } = error as { readonly undelivered?: readonly UndeliveredMessage[] };
    for (const { type, data } of undelivered) {
      const frame = type === this.#messageType ? decodeFrame(data) : undefined;
      if (frame?.kind === KIND.call) ids.add(frame.id);
    }
    return ids;
  }
}
