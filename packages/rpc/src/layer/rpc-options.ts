import type { DataMessage, Logger } from "@ipc/session";
import { formatValue } from "../format-value.js";
import { CLOSE_TIMEOUT_MS, MESSAGE_TYPE, TIMER_MAX_MS } from "../limits.js";
import type { Side } from "../link/call-peer.js";

/** Options of `rpc`, given with the first call for a peer. */
export interface RpcOptions {
  /** Calls of the other side whose handlers may run at once, 1 … 1 000 000; more are answered with `ipc.busy`. @default 1_024 */
  readonly maxCalls?: number;
  /** Bytes of the inputs of those calls, 1 024 … 1 073 741 824; more are answered with `ipc.busy`. @default 16_777_216 */
  readonly maxCallBytes?: number;
  /** Unread bytes up to which a stream that is read may open its window, 16 384 … 16 777 216. @default 262_144 */
  readonly windowBytes?: number;
  /** The type of the messages that carry calls, 1 … 2^32-1, the same on both sides. @default 0x72706331, "rpc1" */
  readonly messageType?: number;
  /** Which side of its connection a session is: the `role` of openSession. Other peers know it. */
  readonly side?: Side;
  /**
   * Receives the messages of other types, as a listener of `message` would: a message is handled when the promise that it returned
   * has settled.
   * @default they are dropped and counted, with one warning
   */
  readonly onMessage?: (message: DataMessage) => void | Promise<void>;
  /** Receives the unexpected exceptions of handlers. @default one warning of the process for each peer */
  readonly logger?: Pick<Logger, "error">;
}

export interface ResolvedRpcOptions {
  readonly maxCalls: number;
  readonly maxCallBytes: number;
  readonly windowBytes: number;
  readonly messageType: number;
  readonly side: Side | undefined;
  readonly onMessage: ((message: DataMessage) => void | Promise<void>) | undefined;
  readonly logger: Pick<Logger, "error"> | undefined;
}

const KNOWN: readonly (keyof RpcOptions)[] = [
  "maxCalls",
  "maxCallBytes",
  "windowBytes",
  "messageType",
  "side",
  "onMessage",
  "logger",
];

/** Validates options and adds defaults. @throws TypeError, RangeError */
export function resolveRpcOptions(options: RpcOptions): ResolvedRpcOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`rpc: takes an object of options, got ${formatValue(options)}`);
  }
  for (const key of Object.keys(options)) {
    if (!(KNOWN as readonly string[]).includes(key)) {
      throw new TypeError(`rpc: unknown option \`${key}\`; known options: ${KNOWN.join(", ")}`);
    }
  }
  const { side, onMessage, logger } = options;
  if (side !== undefined && side !== "client" && side !== "server") {
    throw new TypeError(`rpc: \`side\` takes "client" or "server", got ${formatValue(side)}`);
  }
  if (onMessage !== undefined && typeof onMessage !== "function") {
    throw new TypeError(`rpc: \`onMessage\` takes a function, got ${formatValue(onMessage)}`);
  }
  if (logger !== undefined && typeof logger?.error !== "function") {
    throw new TypeError(`rpc: \`logger\` takes an object with the method error, got ${formatValue(logger)}`);
  }
  return Object.freeze({
    maxCalls: integer("maxCalls", options.maxCalls, 1_024, 1, 1_000_000),
    maxCallBytes: integer("maxCallBytes", options.maxCallBytes, 16_777_216, 1_024, 1_073_741_824),
    windowBytes: integer("windowBytes", options.windowBytes, 262_144, 16_384, 16_777_216),
    messageType: integer("messageType", options.messageType, MESSAGE_TYPE, 1, 0xffff_ffff),
    side,
    onMessage,
    logger,
  });
}

/** Validates the option of `close` and adds its default. @throws TypeError, RangeError */
export function closeTimeoutOf(options: { readonly timeoutMs?: number } | undefined): number {
  const { timeoutMs = CLOSE_TIMEOUT_MS } = options ?? {};
  if (typeof timeoutMs === "number" && timeoutMs >= 0 && timeoutMs <= TIMER_MAX_MS) return timeoutMs;
  const takes = `close: \`timeoutMs\` takes milliseconds, 0 … ${TIMER_MAX_MS}, got ${formatValue(timeoutMs)}`;
  throw typeof timeoutMs === "number" ? new RangeError(takes) : new TypeError(takes);
}

function integer(name: string, value: unknown, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback;
  const takes = `rpc: \`${name}\` takes a whole number, ${min} … ${max}, got ${formatValue(value)}`;
  if (typeof value !== "number") throw new TypeError(takes);
  if (!Number.isInteger(value) || value < min || value > max) throw new RangeError(takes);
  return value;
}
