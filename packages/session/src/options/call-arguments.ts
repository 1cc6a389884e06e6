import { UINT32_MAX } from "@ipc/framing";
import type { AbortOptions } from "@ipc/transport";
import { formatValue } from "@ipc/transport/internal";
import { SessionError } from "../errors.js";
import type { CloseOptions } from "../peer.js";
import { TIMER_MAX_MS } from "./option-reader.js";

/** How long `close` gives accepted messages to leave unless told otherwise, in milliseconds. */
export const CLOSE_TIMEOUT_MS = 5_000;

/** Returns what is wrong with a message to be sent, for a promise to reject with. */
export function validateWrite(type: unknown, data: unknown, maxSize: number): Error | undefined {
  if (typeof type !== "number") return new TypeError(`write: \`type\` takes a number, got ${formatValue(type)}`);
  if (!Number.isInteger(type) || type < 1 || type > UINT32_MAX) {
    const why = type === 0 ? "message type 0 is reserved; " : "";
    return new RangeError(`write: ${why}\`type\` takes a whole number, 1 … ${UINT32_MAX}, got ${type}`);
  }
  if (!(data instanceof Uint8Array))
    return new TypeError(`write: \`data\` takes a string or a Uint8Array, got ${formatValue(data)}`);
  if (data.length > maxSize) {
    return new SessionError(
      "IPC_MESSAGE_TOO_LARGE",
      `a message of ${data.length} bytes exceeds the ${maxSize} that the server accepts; send it in parts, or raise the server's \`maxMessageSize\``,
    );
  }
  return undefined;
}

/** Returns what is wrong with the options of a wait. */
export function validateAbortOptions(what: string, options: AbortOptions | undefined): Error | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null)
    return new TypeError(`${what}: takes an object of options, got ${formatValue(options)}`);
  const signal: unknown = options.signal;
  if (signal === undefined || signal instanceof AbortSignal) return undefined;
  return new TypeError(`${what}: \`signal\` takes an AbortSignal, got ${formatValue(signal)}`);
}

/** Returns what is wrong with the options of `close`. */
export function validateCloseOptions(options: CloseOptions): Error | undefined {
  if (typeof options !== "object" || options === null)
    return new TypeError(`close: takes an object of options, got ${formatValue(options)}`);
  return options.timeoutMs === undefined ? undefined : validateDelay("close: `timeoutMs`", options.timeoutMs);
}

/** Returns what is wrong with a delay; `what` starts the message. */
export function validateDelay(what: string, ms: unknown): Error | undefined {
  if (typeof ms !== "number")
    return new TypeError(`${what} takes milliseconds, 0 … ${TIMER_MAX_MS}, got ${formatValue(ms)}`);
  if (!(ms >= 0 && ms <= TIMER_MAX_MS))
    return new RangeError(`${what} takes milliseconds, 0 … ${TIMER_MAX_MS}, got ${ms}`);
  return undefined;
}

/** @throws TypeError */
export function assertListener(listener: unknown): void {
  if (typeof listener !== "function")
    throw new TypeError(`on: \`listener\` takes a function, got ${formatValue(listener)}`);
}
