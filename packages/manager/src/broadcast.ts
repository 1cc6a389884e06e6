import { setImmediate } from "node:timers";
import { type IpcError, isIpcError, SessionError } from "@ipc/session";
import { OptionReader, startTimeLimit, UNCOPIED_FROM_BYTES } from "@ipc/session/internal";
import type { AbortOptions } from "@ipc/transport";
import type { ManagedConnection, ServerConnection } from "./server-connection.js";

const SLOW_TIMEOUT_MS = 5_000;

/** Options of `broadcast`. An aborted `signal` ends the waits; a message that still waits for room is then not sent. */
export interface BroadcastOptions extends AbortOptions {
  /**
   * Policy for a client whose send queue is full. `wait`: its message and the result wait for room, without a limit unless
   * there is a `signal`. `skip`: it does not receive this message. `disconnect`: it is destroyed unless it makes room within
   * `slowTimeoutMs`.
   * @default "wait"
   */
  readonly slow?: "wait" | "skip" | "disconnect";
  /** How long `disconnect` waits for each slow client, in milliseconds, 1 … 2 147 483 647. @default 5_000 */
  readonly slowTimeoutMs?: number;
}

/** Result of a broadcast: every client that was connected when it began is in exactly one of the three lists. */
export interface BroadcastResult {
  /** Connections that accepted the message: it is in their send queue, with the kernel, or kept until the client resumes its session. */
  readonly accepted: readonly ServerConnection[];
  /** Connections without room, with `slow: "skip"`. They do not receive the message. */
  readonly skipped: readonly ServerConnection[];
  /**
   * Connections whose write failed: too slow and disconnected (IPC_TIMED_OUT), gone or closing (IPC_CLOSED, IPC_PEER_CLOSED
   * and every other code that ends a connection), aborted by `signal` (IPC_ABORTED; about 64 KiB or more may still be sent), too
   * many writes waiting already (IPC_QUEUE_FULL), or a client whose own `maxMessageSize` is smaller (IPC_MESSAGE_TOO_LARGE).
   */
  readonly failed: readonly { readonly connection: ServerConnection; readonly error: IpcError }[];
}

/** The resolved options of `broadcast`. */
export interface BroadcastPlan {
  readonly slow: "wait" | "skip" | "disconnect";
  readonly slowTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws TypeError, RangeError naming the option */
export function resolveBroadcastOptions(options: BroadcastOptions): BroadcastPlan {
  const reader = new OptionReader<BroadcastOptions>("broadcast", options, ["slow", "slowTimeoutMs", "signal"]);
  return {
    slow: reader.choice("slow", ["wait", "skip", "disconnect"], "wait"),
    slowTimeoutMs: reader.milliseconds("slowTimeoutMs", SLOW_TIMEOUT_MS, 1),
    signal: reader.signal("signal"),
  };
}

/** Writes one message to each connection. Each has its own queue, so a slow connection does not delay the others. */
export async function broadcast(
  connections: readonly ManagedConnection[],
  type: number,
  data: Uint8Array,
  plan: BroadcastPlan,
): Promise<BroadcastResult> {
  const accepted: ServerConnection[] = [];
  const skipped: ServerConnection[] = [];
  const failed: { connection: ServerConnection; error: IpcError }[] = [];
  const { slow, slowTimeoutMs, signal } = plan;
  const isLarge = data.length >= UNCOPIED_FROM_BYTES;
  // Copy if the result may come before the kernel has the bytes (`skip`, `disconnect`, abort): the caller may then reuse them.
  const mayLinger = isLarge && (slow !== "wait" || signal !== undefined);
  // Not `slice`: that of a Buffer shares its memory.
  const bytes = mayLinger ? new Uint8Array(data) : data;

  const late = new Map<ServerConnection, SessionError | undefined>();
  const disconnectLate = (): void => {
    for (const connection of late.keys()) {
      const reason = slowError(connection, slowTimeoutMs);
      late.set(connection, reason);
      connection.destroy(reason);
    }
  };
  /** By then, a write that was rejected at once has told so. One for all connections. */
  let turn: Promise<void> | undefined;
  const limit = slow === "disconnect" ? startTimeLimit(slowTimeoutMs, disconnectLate) : undefined;

  const offer = async ({ connection, hasRoom: hadRoom, isFree }: ManagedConnection): Promise<void> => {
    const isThere = connection.status === "Connected" || connection.status === "Reconnecting";
    if (slow === "skip" && isThere && !hadRoom) {
      skipped.push(connection);
      return;
    }
    late.set(connection, undefined);
    try {
      const isTaken = (isLarge || !isFree) && slow !== "wait" && hadRoom && isThere;
      // The result tells of a message that is taken, so no later abort may take it back.
      const written = connection.write(type, bytes, signal === undefined || isTaken ? {} : { signal });
      // A client with room is not slow, so its deadline ends here. Its end is not awaited, but a write that was rejected at once
      // is noticed: it was too large for this client.
      if (isTaken) late.delete(connection);
      if (isTaken) turn ??= new Promise<void>((resolve) => void setImmediate(resolve));
      await (isTaken ? Promise.race([written, turn]) : written);
      accepted.push(connection);
    } catch (error) {
      if (!isIpcError(error)) throw error;
      failed.push({ connection, error: late.get(connection) ?? error });
    } finally {
      late.delete(connection);
    }
  };
  try {
    await Promise.all(connections.map(offer));
  } finally {
    limit?.cancel();
  }
  return { accepted, skipped, failed };
}

function slowError({ id }: ServerConnection, ms: number): SessionError {
  return new SessionError(
    "IPC_TIMED_OUT",
    `client ${id} disconnected: no room for a broadcast within ${ms} ms; raise \`slowTimeoutMs\`, or skip slow clients`,
  );
}
