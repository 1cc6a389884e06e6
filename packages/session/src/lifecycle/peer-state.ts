import type { ResumeAnswer } from "../codec/codec.js";
import type { Connection } from "../connection/connection.js";
import type { DetachedSender } from "../connection/detached-sender.js";
import type { Sender } from "../connection/sender.js";
import type { WriteQueue } from "../connection/write-queue.js";
import { type IpcError, SessionError } from "../errors.js";
import type { Status } from "../message.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import type { SessionKeeper } from "../resume/session-keeper.js";
import type { ConnectionInput } from "./connection-input.js";
import type { ConnectionOrigin } from "./connection-origin.js";
import type { TrafficCounters } from "./traffic-counters.js";

export interface Connected {
  readonly name: "connected";
  readonly connection: Connection;
  readonly origin: ConnectionOrigin;
  /** Those that wait for room. */
  readonly writes: WriteQueue;
  /** Undefined if the connection cannot be resumed. */
  readonly session: ResumableSession | undefined;
  readonly input: ConnectionInput;
}

/** A session waits for its next connection: writes are accepted as far as it can keep them. */
export interface Detached {
  readonly name: "detached";
  readonly session: ResumableSession;
  readonly origin: ConnectionOrigin;
  readonly sender: DetachedSender;
  readonly writes: WriteQueue;
}

export type PeerState =
  /** Before the first connection, and with `queueWhileDisconnected` before the next one: writes are queued for it. */
  | { readonly name: "waiting"; readonly writes: WriteQueue }
  | Connected
  | Detached
  /** Between two connections: writes are rejected. */
  | { readonly name: "disconnected" }
  | {
      readonly name: "closing";
      readonly connection: Connection | undefined;
      readonly session: ResumableSession | undefined;
      readonly done: Promise<void>;
    }
  | { readonly name: "ended"; readonly done: Promise<void> };

/** Creates the error of a call that needs a connection. @param loss why the last connection has ended */
export function unreachableError(
  what: string,
  state: Exclude<PeerState["name"], "connected" | "detached">,
  status: Status,
  loss: Error | undefined,
): SessionError {
  const options = loss === undefined ? {} : { cause: loss };
  switch (state) {
    case "disconnected":
      return new SessionError(
        "IPC_NOT_CONNECTED",
        `${what}: there is no connection now (status: ${status}); wait for the status Connected`,
        options,
      );
    case "waiting":
    case "closing":
    case "ended":
      return new SessionError(
        "IPC_CLOSED",
        `${what}: this peer is closed (status: ${status}); start a new one`,
        options,
      );
  }
}

/** The answer to a client that continues its session. */
export type Resumed = Extract<ResumeAnswer, { how: "resumed" }>;

/** Returns the sender that accepts writes in a state, and the session that keeps them. */
export function accountOf(state: PeerState): {
  readonly sender?: Sender | DetachedSender;
  readonly session?: ResumableSession | undefined;
} {
  switch (state.name) {
    case "connected":
    case "closing":
      return state.connection === undefined ? {} : { sender: state.connection.sender, session: state.session };
    case "detached":
      return state;
    case "waiting":
    case "disconnected":
    case "ended":
      return {};
  }
}

/** Whether a connection continues the session that waits for one, by its newest attempt. */
export function isContinued(state: PeerState, { session, attempt }: Resumed): state is Detached {
  if (state.name !== "detached" || state.session.attempt !== attempt) return false;
  return session === undefined || session === state.session;
}

/** Says why a session was not continued by the connection that its client has now. */
export function whyLost(answer: ResumeAnswer | undefined): string {
  switch (answer?.how) {
    case "unknown":
      return "the server does not know it: it was restarted, or another server of the name answered";
    case "expired":
      return "the server has ended it";
    case "refused":
      return "the server rejects it, because the client has proved something else, or its key was withdrawn";
    case "resumed":
    case undefined:
      return "the new connection cannot resume";
  }
}

/**
 * Creates the error of a close or a drain whose connection has ended; undefined if the peer has received every message, or without a
 * session the kernel.
 */
export function describeUndone(
  what: "close" | "drain",
  state: Connected | Detached,
  cause?: IpcError,
): SessionError | undefined {
  const { session, writes } = state;
  const { messages, last, written } = session?.resend ?? { messages: unsentMessages(state), last: 0, written: 0 };
  if (messages + writes.size === 0) return undefined;
  const figures =
    session === undefined
      ? `${messages} accepted messages were not sent, and ${writes.size} writes waited`
      : `${messages} of ${last} accepted messages were not received by the peer as far as it has told; ${last - written} of them were not sent, and ${writes.size} writes waited`;
  const options = cause === undefined ? {} : { cause };
  return new SessionError(
    "IPC_CLOSE_INCOMPLETE",
    `${what} incomplete: the connection has ended, and ${figures}`,
    options,
  );
}

function unsentMessages(state: Connected | Detached): number {
  return state.name === "connected" ? state.connection.sender.unsent.messages : 0;
}

export interface Leaving {
  /** For the waiting writes, or for a connection that is still open; undefined: the next state takes them over. */
  readonly error: (() => IpcError) | undefined;
  readonly traffic: TrafficCounters;
  /** Undefined without the option `resume`. */
  readonly keeper: SessionKeeper | undefined;
  readonly unreachable: () => IpcError;
}

/** Ends what a state held, unless `next` takes it over. */
export function leave(left: PeerState, next: PeerState, { error, traffic, keeper, unreachable }: Leaving): void {
  const isOver = next.name === "closing" || next.name === "ended";
  if (isOver && "origin" in left) left.origin.end(unreachable);
  switch (left.name) {
    case "waiting":
      if (error !== undefined) left.writes.rejectAll(error());
      return;
    case "connected":
      left.input.end();
      left.writes.onWaiting = undefined;
      if (next.name === "closing") {
        left.session?.finalize();
        return;
      }
      if (error !== undefined) {
        left.connection.destroy(error());
        if (left.session !== undefined) keeper?.close(left.session, error());
      }
      traffic.disconnected(left.connection.sender);
      return;
    case "detached":
      left.sender.end();
      if (error !== undefined) {
        left.writes.rejectAll(error());
        keeper?.close(left.session, error());
      }
      traffic.disconnected(left.sender);
      return;
    case "closing":
      if (left.connection !== undefined) traffic.disconnected(left.connection.sender);
      if (left.session !== undefined) keeper?.close(left.session, unreachable());
      return;
    case "disconnected":
    case "ended":
      return;
  }
}
