import { type TracingChannel, tracingChannel } from "node:diagnostics_channel";
import type { Executed } from "./rpc-error.js";

/** The event that the channels `tracing:ipc.call` and `tracing:ipc.handle` publish about one call. It never has the values of a call. */
export interface CallEvent {
  /** The full name of the method; for a call of the other side as it has sent it, empty if it has more than 255 bytes. */
  readonly method: string;
  /** `unknown`: called by a remote that was made from a type alone, or refused because it is not served. */
  readonly kind: "unary" | "stream" | "unknown";
  readonly id: number;
  /** The peer's `name`, as in `ipc:connect`: on both sides that of the server; of a session its option `name`. */
  readonly name: string;
  /** The address of the other side. */
  readonly remote: string;
  /** Milliseconds until the call ends; 0: no deadline. */
  readonly deadlineMs: number;
  /** At `start` of `tracing:ipc.call`, a subscriber may add strings, which travel with the call. */
  readonly meta: Record<string, string>;
  /** From `asyncStart` on: "ok", or the code of the error. */
  outcome?: string;
  executed?: Executed;
  /** Bytes of the values in both directions, and the items among them. */
  bytes?: number;
  items?: number;
  /** At `error`. */
  error?: unknown;
}

export const callChannel: TracingChannel<unknown, CallEvent> = tracingChannel<unknown, CallEvent>("ipc.call");
export const handleChannel: TracingChannel<unknown, CallEvent> = tracingChannel<unknown, CallEvent>("ipc.handle");

type CallEnd = Required<Pick<CallEvent, "outcome" | "executed" | "bytes" | "items">> & { readonly error?: unknown };

/** Publishes how a call has ended. */
export function publishEnd(channel: TracingChannel<unknown, CallEvent>, event: CallEvent, end: CallEnd): void {
  Object.assign(event, end);
  if (end.error !== undefined) channel.error.publish(event);
  channel.asyncStart.publish(event);
  channel.asyncEnd.publish(event);
}

/** Publishes a call of the other side, whose handler runs with the stores that a subscriber has bound. */
export async function traceHandling(
  event: CallEvent,
  run: () => void | Promise<void>,
  end: () => CallEnd,
): Promise<void> {
  const running = handleChannel.start.runStores(event, run);
  handleChannel.end.publish(event);
  await running;
  publishEnd(handleChannel, event, end());
}

/** Publishes a call of the other side that was refused: it begins and ends at once. */
export function traceRefusal(
  refused: Omit<CallEvent, "executed" | "items"> & Required<Pick<CallEvent, "outcome" | "bytes" | "error">>,
): void {
  const { outcome, bytes, error, ...event } = refused;
  handleChannel.start.publish(event);
  handleChannel.end.publish(event);
  publishEnd(handleChannel, event, { outcome, executed: "no", bytes, items: 0, error });
}

/**
 * Publishes the end of a call of this side when it has settled.
 * @param figures of the call at its end
 * @returns the promise for the caller, whose rejection is unhandled if the caller does not handle it
 */
export function traceOutcome(
  event: CallEvent,
  settled: Promise<unknown>,
  figures: () => { readonly bytes: number; readonly items: number; readonly executed?: Executed },
): Promise<unknown> {
  return settled.then(
    (value) => {
      publishEnd(callChannel, event, { outcome: "ok", executed: "yes", ...figures() });
      return value;
    },
    (error: unknown) => {
      // The items of a call may have thrown anything.
      const { code, executed = "maybe" } = (error ?? {}) as { readonly code?: unknown; readonly executed?: Executed };
      const outcome = typeof code === "string" ? code : "error";
      publishEnd(callChannel, event, { ...figures(), outcome, executed, error });
      throw error;
    },
  );
}
