import { type IpcError, isIpcError, SessionError } from "../errors.js";
import { describeCause, type SlipReporter } from "../slip-reporter.js";
import type { FailureHandler } from "./peer-emitter.js";

/** The connections that a failed listener was called for. */
const failedBefore = new WeakSet<object>();

export interface ListenerFailureOptions<E, C> extends Pick<FailureHandler<E, C>, "connectionOf"> {
  readonly slips: SlipReporter;
  /** Ends a connection. Returns false if it is over already. */
  readonly end: (connection: C, error: IpcError) => boolean;
  /** Whether an error says that this connection, which is over, or its peer has ended. */
  readonly isEnd: (connection: C, error: IpcError) => boolean;
}

/**
 * Ends the connection that a failed listener was called for, and nothing else: no peer, and no slip in a listener, ends the process.
 * @see docs/adr/0029-a-failed-listener-ends-its-connection.md
 */
export class ListenerFailures<E, C extends object> implements FailureHandler<E, C> {
  readonly connectionOf: FailureHandler<E, C>["connectionOf"];
  readonly #slips: SlipReporter;
  readonly #end: ListenerFailureOptions<E, C>["end"];
  readonly #isEnd: ListenerFailureOptions<E, C>["isEnd"];

  constructor({ slips, connectionOf, end, isEnd }: ListenerFailureOptions<E, C>) {
    this.#slips = slips;
    this.connectionOf = connectionOf;
    this.#end = end;
    this.#isEnd = isEnd;
  }

  failed(event: keyof E, cause: unknown, connection: C | undefined): void {
    const error = listenerError(String(event), cause, connection !== undefined);
    const hasEnded = connection !== undefined && this.#end(connection, error);
    // The end of its connection is reported by the peer's events; that of another one may be reported nowhere.
    if (connection !== undefined && !hasEnded && isIpcError(cause) && this.#isEnd(connection, cause)) return;
    // A peer may have sent many messages that the listener fails for before the first failure ends the connection.
    const again = connection !== undefined && failedBefore.has(connection);
    if (connection !== undefined) failedBefore.add(connection);
    this.#slips.report(error, again ? "debug" : "error");
  }
}

function listenerError(event: string, cause: unknown, hasConnection: boolean): SessionError {
  const what = hasConnection ? "; this ends the connection that it was called for" : "";
  return new SessionError(
    "IPC_LISTENER_FAILED",
    `\`${event}\` listener failed: ${describeCause(cause)}${what}; handle the error in the listener`,
    { cause },
  );
}
