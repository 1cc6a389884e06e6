/** Every way in which a session fails. `docs/ERRORS.md` has a heading for each. */
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

/** A handshake, a wait or a connection did not end as it should. */
export class SessionError extends Error {
  override readonly name: string;
  readonly code: SessionErrorCode;

  constructor(code: SessionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // An aborted wait is recognised everywhere in the platform by this name.
    this.name = code === "IPC_ABORTED" ? "AbortError" : "SessionError";
  }
}
