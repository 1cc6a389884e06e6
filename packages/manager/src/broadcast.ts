import { type IpcError, isIpcError, SessionError } from "@ipc/session";
import { LARGE_BYTES, OptionReader } from "@ipc/session/internal";
import type { AbortOptions } from "@ipc/transport";
import { ServerConnection } from "./server-connection.js";

const SLOW_TIMEOUT_MS = 5_000;

/** What `broadcast` takes. `signal`: ends the waits; whose message still waited for room does not get it. */
export interface BroadcastOptions extends AbortOptions {
  /**
   * What becomes of a client whose queue is full. `wait`: its message waits its turn, and so does the result, without a limit
   * unless there is a `signal`. `skip`: it does not get this message. `disconnect`: it has `slowTimeoutMs` to make room, then
   * it is destroyed.
   * @default "wait"
   */
  readonly slow?: "wait" | "skip" | "disconnect";
  /** How long `disconnect` waits for each of them, in milliseconds, 1 … 2 147 483 647. @default 5_000 */
  readonly slowTimeoutMs?: number;
}

/** What became of a broadcast: every client that was connected when it began is in one of the three. */
export interface BroadcastResult {
  /** Those for whom `write` has resolved: the message is in their queue, or further. */
  readonly accepted: readonly ServerConnection[];
  /** Those who had no room, with `slow: "skip"`. They do not get it. */
  readonly skipped: readonly ServerConnection[];
  /**
   * Those who do not get it for another reason. They were disconnected for being slow (IPC_TIMED_OUT), had gone or were being
   * closed (IPC_CLOSED, IPC_CONNECTION_LOST and what else a connection ends with), the signal came first (IPC_ABORTED), or
   * more waits for them already than may (IPC_QUEUE_FULL).
   */
  readonly failed: readonly { readonly connection: ServerConnection; readonly error: IpcError }[];
}

/** What `broadcast` does with its options resolved. */
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

/** Writes one message to each connection. Each has a queue of its own: a slow one holds nobody else up. */
export async function broadcast(
  connections: readonly ServerConnection[],
  type: number,
  data: Uint8Array,
  plan: BroadcastPlan,
): Promise<BroadcastResult> {
  const accepted: ServerConnection[] = [];
  const skipped: ServerConnection[] = [];
  const failed: { connection: ServerConnection; error: IpcError }[] = [];
  const { slow, slowTimeoutMs, signal } = plan;
  const isLarge = data.length >= LARGE_BYTES;
  // Who does not wait for the slow, or is aborted, does not wait until the kernel has it: the caller may have his bytes back before.
  const mayLinger = isLarge && (slow !== "wait" || signal !== undefined);
  // No `slice`: that of a Buffer shares its memory.
  const bytes = mayLinger ? new Uint8Array(data) : data;

  const late = new Map<ServerConnection, SessionError | undefined>();
  const disconnectLate = (): void => {
    for (const connection of late.keys()) {
      const reason = slowError(connection, slowTimeoutMs);
      late.set(connection, reason);
      connection.destroy(reason);
    }
  };
  const timer = slow === "disconnect" ? setTimeout(disconnectLate, slowTimeoutMs).unref() : undefined;

  const offer = async (connection: ServerConnection): Promise<void> => {
    const hadRoom = ServerConnection.hasRoom(connection);
    if (slow === "skip" && connection.status === "Connected" && !hadRoom) {
      skipped.push(connection);
      return;
    }
    late.set(connection, undefined);
    try {
      const written = connection.write(type, bytes, signal === undefined ? {} : { signal });
      const isTaken = isLarge && slow !== "wait" && hadRoom && connection.status === "Connected";
      if (!isTaken) await written;
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
    clearTimeout(timer);
  }
  return { accepted, skipped, failed };
}

function slowError({ id }: ServerConnection, ms: number): SessionError {
  return new SessionError(
    "IPC_TIMED_OUT",
    `client ${id} made no room for a broadcast within ${ms} ms and was disconnected; raise \`slowTimeoutMs\`, or skip the slow`,
  );
}
