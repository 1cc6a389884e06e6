import { types } from "node:util";
import type { CryptoError } from "@ipc/crypto";
import type { FrameError } from "@ipc/framing";
import type { NameError, TransportError } from "@ipc/transport";

/** The codes of SessionError. `docs/ERRORS.md` has a heading for each. */
export type SessionErrorCode =
  | "IPC_ABORTED"
  | "IPC_CALL_LOST"
  | "IPC_CLOSED"
  | "IPC_CLOSE_INCOMPLETE"
  | "IPC_CONNECTION_LOST"
  | "IPC_CONSUMER_TAKEN"
  | "IPC_ENCRYPTION_REFUSED"
  | "IPC_HANDSHAKE_FAILED"
  | "IPC_HANDSHAKE_TIMEOUT"
  | "IPC_LISTENER_FAILED"
  | "IPC_MESSAGE_TOO_LARGE"
  | "IPC_NOT_AUTHORIZED"
  | "IPC_NOT_CONNECTED"
  | "IPC_NOT_RESUMABLE"
  | "IPC_PEER_CLOSED"
  | "IPC_QUEUE_FULL"
  | "IPC_RECORD_INVALID"
  | "IPC_SECURITY_REFUSED"
  | "IPC_SERVER_BUSY"
  | "IPC_TIMED_OUT"
  | "IPC_VERSION_MISMATCH"
  | "IPC_WRITE_UNAWAITED";

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

/** A message that did not arrive, as it was written. */
export interface UndeliveredMessage {
  readonly type: number;
  readonly data: Uint8Array;
}

/** How a resumable session ended: it could not be resumed, or its last connection ended for good. */
export type SessionLostCode =
  | "IPC_SESSION_LOST"
  | Extract<
      SessionErrorCode,
      "IPC_PEER_CLOSED" | "IPC_CONNECTION_LOST" | "IPC_LISTENER_FAILED" | "IPC_SECURITY_REFUSED" | "IPC_SERVER_BUSY"
    >;

export interface SessionLostOptions {
  /** A function is called when they are read first. */
  readonly undelivered: readonly UndeliveredMessage[] | (() => readonly UndeliveredMessage[]);
  readonly unconfirmed: number;
  readonly cause?: Error | undefined;
}

/**
 * Reports the end of a resumable session, and which of its messages arrived: those that the peer's application has taken, `unconfirmed`
 * and `undelivered` are together all that were accepted.
 */
export class SessionLostError extends Error {
  override readonly name = "SessionError";
  readonly code: SessionLostCode;
  /** How many messages the peer may have received, and its application may have taken. */
  readonly unconfirmed: number;
  #undelivered: SessionLostOptions["undelivered"];

  constructor(code: SessionLostCode, message: string, { undelivered, unconfirmed, cause }: SessionLostOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.#undelivered = undelivered;
    this.unconfirmed = unconfirmed;
  }

  /**
   * The messages that the peer has certainly not received, in order. They can be written again. Their data may be views of one buffer;
   * the array is made when it is read first.
   */
  get undelivered(): readonly UndeliveredMessage[] {
    if (typeof this.#undelivered === "function") this.#undelivered = this.#undelivered();
    return this.#undelivered;
  }
}

/** Every error of the library, distinguished by `code`. */
export type IpcError = FrameError | CryptoError | TransportError | SessionError | SessionLostError | NameError;

/** Every code of the library. */
export type IpcErrorCode = IpcError["code"];

/**
 * Returns whether the library made an error, judged by its code and not by its class, so that it also works with two copies of a
 * package loaded, and across realms.
 */
export function isIpcError(error: unknown): error is IpcError {
  try {
    const code = types.isNativeError(error) && "code" in error ? error.code : undefined;
    return typeof code === "string" && code.startsWith("IPC_");
  } catch {
    // A getter of another's error threw.
    return false;
  }
}

/**
 * Returns an error of the library as is and wraps any other, because a user's transport or stream may fail with any value.
 * @param wrap creates the library's error from the message of the other, which becomes its cause
 */
export function asIpcError(error: unknown, wrap: (message: string, options: ErrorOptions) => IpcError): IpcError {
  if (isIpcError(error)) return error;
  return wrap(types.isNativeError(error) ? error.message : String(error), { cause: error });
}

/** Returns an error of the library, such as a codec throws, and rethrows any other, because that is a defect. */
export function rethrowDefect(error: unknown): IpcError {
  if (isIpcError(error)) return error;
  throw error;
}

/** The consequences of an error with a certain code. */
export interface ErrorTraits {
  /**
   * The part that has ended: not the caller's fault, and events report it too. After a connection, a client redials and a server waits
   * for the next client.
   */
  readonly ends?: "a connection" | "the peer";
  /**
   * From when on dialling again can succeed. Waiting does not change the configuration of either side; it can help if a server is
   * absent, busy, slow or broken. After a connection, the keys were right, so a server with other keys, or an impostor, may be
   * gone at the next attempt. After a secure session, so may a server that offers anything less, because it has not proved that
   * it is the same server. @default never
   */
  readonly retryable?: "always" | "after a connection" | "after a secure session";
  /** Whether a resumable session outlives the connection: it was cut, or what arrived was not what the peer had sent. @default false */
  readonly resumable?: true;
}

/** The end of a connection of which its peer may know nothing. */
const CUT: ErrorTraits = { ends: "a connection", retryable: "always", resumable: true };

const TRAITS: Readonly<Record<IpcErrorCode, ErrorTraits>> = {
  IPC_ABORTED: {},
  IPC_ADDRESS_IN_USE: {},
  IPC_AUTHENTICATION_FAILED: { retryable: "after a connection" },
  IPC_CALL_LOST: { ends: "a connection" },
  IPC_CIPHER_EXHAUSTED: CUT,
  IPC_CLOSED: { ends: "the peer" },
  IPC_CLOSE_INCOMPLETE: {},
  IPC_CONNECTION_LOST: CUT,
  IPC_CONSUMER_TAKEN: {},
  IPC_DECRYPTION_FAILED: CUT,
  IPC_ENCRYPTION_REFUSED: { retryable: "after a secure session" },
  IPC_FRAME_TOO_LARGE: CUT,
  IPC_FRAME_TOO_SHORT: CUT,
  IPC_FRAME_TRUNCATED: CUT,
  IPC_HANDSHAKE_FAILED: { retryable: "always" },
  IPC_HANDSHAKE_TIMEOUT: { retryable: "always" },
  IPC_KEY_FILE_UNTRUSTED: {},
  IPC_LISTENER_FAILED: { ends: "a connection", retryable: "always" },
  IPC_LISTENER_LOST: { ends: "the peer" },
  IPC_MESSAGE_TOO_LARGE: {},
  IPC_NAME_INVALID: {},
  IPC_NOT_AUTHORIZED: {},
  IPC_NOT_CONNECTED: { ends: "a connection" },
  IPC_NOT_RESUMABLE: { retryable: "after a connection" },
  IPC_NO_SERVER: { retryable: "always" },
  IPC_PATH_TOO_LONG: {},
  IPC_PEER_CLOSED: { ends: "a connection", retryable: "always" },
  IPC_PEER_GONE: {},
  IPC_PERMISSION_DENIED: { retryable: "after a connection" },
  IPC_PUBLIC_KEY_INVALID: { retryable: "always" },
  IPC_QUEUE_FULL: {},
  IPC_RECORD_INVALID: CUT,
  IPC_RECORD_TRUNCATED: CUT,
  IPC_SECURITY_REFUSED: { ends: "a connection", retryable: "after a connection" },
  IPC_SERVER_BUSY: { ends: "a connection", retryable: "always" },
  IPC_SESSION_LOST: { ends: "a connection", retryable: "always" },
  IPC_TIMED_OUT: {},
  IPC_TRANSPORT_FAILED: { retryable: "always" },
  IPC_UNTRUSTED_SOCKET: {},
  IPC_VERSION_MISMATCH: { retryable: "after a secure session" },
  IPC_WRITE_UNAWAITED: {},
};

/** Returns what follows from an error with this code; nothing, if the code comes from another version of the library. */
export function traitsOf(code: IpcErrorCode): ErrorTraits {
  return (TRAITS as Readonly<Partial<typeof TRAITS>>)[code] ?? {};
}

/**
 * Returns whether an error says that the connection has ended, or that there is none at the moment: the peer closed or refused it,
 * it was lost, or the peer broke the protocol. Wait for the next connection, then try again; the peer may have received the message
 * already. False for a message that was refused, such as IPC_MESSAGE_TOO_LARGE, IPC_QUEUE_FULL or IPC_ABORTED, and for
 * IPC_CLOSED, because no connection follows. Decides by the code.
 */
export function isConnectionError(error: unknown): error is IpcError {
  return isIpcError(error) && traitsOf(error.code).ends === "a connection";
}

/** How many causes are followed: more than layers add, and an end where an error is its own cause. */
const MAX_CAUSES = 16;

/** Returns whether `error` is `cause`, or has it among its causes. Never throws. */
export function isCausedBy(error: unknown, cause: Error): boolean {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && types.isNativeError(current); depth++) {
    if (current === cause) return true;
    try {
      current = current.cause;
    } catch {
      return false;
    }
  }
  return false;
}

/** Creates the error of a wait that a signal ended; the signal's reason is its cause. */
export function abortError(what: string, signal: AbortSignal): SessionError {
  return new SessionError("IPC_ABORTED", `${what}: aborted by its signal`, { cause: signal.reason });
}

/** How a connection ended without a request of this side, and what was lost. */
export interface ConnectionEnd {
  readonly code: "IPC_PEER_CLOSED" | "IPC_CONNECTION_LOST" | "IPC_SERVER_BUSY" | "IPC_SECURITY_REFUSED";
  readonly what: string;
  readonly unsentMessages: number;
  /** Received, and not accepted by the reader. */
  readonly droppedBytes: number;
  readonly cause?: Error | undefined;
}

/** Creates the error of a connection that ended without a request of this side. */
export function connectionEndError(end: ConnectionEnd): SessionError {
  const { code, what, unsentMessages, droppedBytes, cause } = end;
  const dropped = droppedBytes === 0 ? "" : `; ${droppedBytes} received bytes were dropped unread`;
  return new SessionError(
    code,
    `${what}: ${unsentMessages} messages were accepted and not sent${dropped}`,
    cause === undefined ? undefined : { cause },
  );
}

/** Creates the error of a message that the peer does not take. @param maxSize longest data of a message, in bytes */
export function messageTooLargeError(bytes: number, maxSize: number): SessionError {
  return new SessionError(
    "IPC_MESSAGE_TOO_LARGE",
    `message too large: ${bytes} bytes, limit ${maxSize} (\`maxMessageSize\` of the server, or of its client); send it in parts, or raise the limit`,
  );
}

/** Creates the error of a wait for what only a resumable session tells. */
export function notResumableError(what: string): SessionError {
  return new SessionError(
    "IPC_NOT_RESUMABLE",
    `${what}: \`until: "taken"\` takes a connection with resume in force, and this one has none; set \`resume\` on both sides`,
  );
}

/** Creates the error for a second consumer of the same messages. */
export function consumerTakenError(what: string, takenBy: string): SessionError {
  return new SessionError(
    "IPC_CONSUMER_TAKEN",
    `${what}: messages already go to ${takenBy}; use one consumer at a time`,
  );
}

/** Throws the exception of a user's function as an uncaught one, in a tick of its own, so that its caller is not disturbed. */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
