import type { CryptoError } from "@ipc/crypto";
import type { FrameError } from "@ipc/framing";
import type { NameError, TransportError } from "@ipc/transport";

/** The codes of SessionError. `docs/ERRORS.md` has a heading for each. */
export type SessionErrorCode =
  | "IPC_ABORTED"
  | "IPC_CLOSED"
  | "IPC_CLOSE_INCOMPLETE"
  | "IPC_CONNECTION_LOST"
  | "IPC_CONSUMER_TAKEN"
  | "IPC_ENCRYPTION_REFUSED"
  | "IPC_HANDSHAKE_FAILED"
  | "IPC_HANDSHAKE_TIMEOUT"
  | "IPC_MESSAGE_TOO_LARGE"
  | "IPC_NOT_AUTHORIZED"
  | "IPC_NOT_CONNECTED"
  | "IPC_QUEUE_FULL"
  | "IPC_SECURITY_REFUSED"
  | "IPC_SERVER_BUSY"
  | "IPC_TIMED_OUT"
  | "IPC_VERSION_MISMATCH";

/** Reports that a handshake, a wait or a connection failed. */
export class SessionError extends Error {
  override readonly name: string;
  readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // The platform's APIs identify an aborted wait by this name.
    this.name = code === "IPC_ABORTED" ? "AbortError" : "SessionError";
  }
}

/** Every error of the library, distinguished by `code`. */
export type IpcError = FrameError | CryptoError | TransportError | SessionError | NameError;

/** Every code of the library. */
export type IpcErrorCode = IpcError["code"];

/** Returns whether the library made an error, judged by its code, so that it also works with two copies of a package loaded. */
export function isIpcError(error: unknown): error is IpcError {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("IPC_");
}

/**
 * Returns an error of the library as is and wraps any other, because a user's transport or stream may fail with any value.
 * @param wrap creates the library's error from the message of the other, which becomes its cause
 */
export function asIpcError(error: unknown, wrap: (message: string, options: ErrorOptions) => IpcError): IpcError {
  if (isIpcError(error)) return error;
  return wrap(error instanceof Error ? error.message : String(error), { cause: error });
}

/** Returns whether a wait failed because the connection ended: not the caller's fault, and events report it too. */
export function isConnectionEnd(error: unknown): boolean {
  return isIpcError(error) && ends(error.code);
}

/**
 * Returns whether the peer caused a wait to fail, because it ended the connection or does not read. No peer may end this
 * process, so such an error must not become an uncaught exception.
 */
export function isCausedByPeer(error: unknown): boolean {
  if (!isIpcError(error)) return false;
  return ends(error.code) || error.code === "IPC_QUEUE_FULL" || error.code === "IPC_CLOSE_INCOMPLETE";
}

function ends(code: IpcErrorCode): boolean {
  switch (code) {
    case "IPC_CIPHER_EXHAUSTED":
    case "IPC_CLOSED":
    case "IPC_CONNECTION_LOST":
    case "IPC_DECRYPTION_FAILED":
    case "IPC_FRAME_TOO_LARGE":
    case "IPC_FRAME_TOO_SHORT":
    case "IPC_FRAME_TRUNCATED":
    case "IPC_LISTENER_LOST":
    case "IPC_NOT_CONNECTED":
    case "IPC_RECORD_INVALID":
    case "IPC_RECORD_TRUNCATED":
      return true;
    case "IPC_ABORTED":
    case "IPC_ADDRESS_IN_USE":
    case "IPC_AUTHENTICATION_FAILED":
    case "IPC_CLOSE_INCOMPLETE":
    case "IPC_CONSUMER_TAKEN":
    case "IPC_ENCRYPTION_REFUSED":
    case "IPC_HANDSHAKE_FAILED":
    case "IPC_HANDSHAKE_TIMEOUT":
    case "IPC_KEY_FILE_UNTRUSTED":
    case "IPC_MESSAGE_TOO_LARGE":
    case "IPC_NAME_INVALID":
    case "IPC_NOT_AUTHORIZED":
    case "IPC_NO_SERVER":
    case "IPC_PATH_TOO_LONG":
    case "IPC_PERMISSION_DENIED":
    case "IPC_PUBLIC_KEY_INVALID":
    case "IPC_QUEUE_FULL":
    case "IPC_SECURITY_REFUSED":
    case "IPC_SERVER_BUSY":
    case "IPC_TIMED_OUT":
    case "IPC_TRANSPORT_FAILED":
    case "IPC_UNTRUSTED_SOCKET":
    case "IPC_VERSION_MISMATCH":
      return false;
  }
  // The code comes from another version of the library.
  return false;
}

/** Creates the error of a wait that a signal ended; the signal's reason is its cause. */
export function abortError(what: string, signal: AbortSignal): SessionError {
  return new SessionError("IPC_ABORTED", `${what}: aborted by its signal`, { cause: signal.reason });
}

/** Creates the error of a connection that ended without a request of this side, with the counts of what was lost. */
export function connectionLostError(
  what: string,
  unsentMessages: number,
  droppedBytes: number,
  cause?: Error,
): SessionError {
  const dropped = droppedBytes === 0 ? "" : `; ${droppedBytes} received bytes were dropped unread`;
  return new SessionError(
    "IPC_CONNECTION_LOST",
    `${what}: ${unsentMessages} messages were accepted and not sent${dropped}`,
    cause === undefined ? undefined : { cause },
  );
}

/** Creates the error for a second consumer of the same messages. */
export function consumerTakenError(what: string, takenBy: string): SessionError {
  return new SessionError(
    "IPC_CONSUMER_TAKEN",
    `${what}: messages already go to ${takenBy}; use one consumer at a time`,
  );
}
