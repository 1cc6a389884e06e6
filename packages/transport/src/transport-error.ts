/** Every way in which reaching another process fails. `docs/ERRORS.md` has a heading for each. */
export type TransportErrorCode =
  | "IPC_ABORTED"
  | "IPC_ADDRESS_IN_USE"
  | "IPC_KEY_FILE_UNTRUSTED"
  | "IPC_LISTENER_LOST"
  | "IPC_NO_SERVER"
  | "IPC_PATH_TOO_LONG"
  | "IPC_PERMISSION_DENIED"
  | "IPC_TRANSPORT_FAILED"
  | "IPC_UNTRUSTED_SOCKET";

/** A stream could not be opened, or an entrance could not be made or kept. */
export class TransportError extends Error {
  override readonly name: string;
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // An aborted wait is recognised everywhere in the platform by this name.
    this.name = code === "IPC_ABORTED" ? "AbortError" : "TransportError";
  }
}

/**
 * Returns when the signal is absent or quiet.
 *
 * @param doing what is being waited for, as the message's subject: "dialling /tmp/orders.sock"
 * @throws TransportError `IPC_ABORTED`, its cause the signal's reason
 */
export function assertNotAborted(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted) {
    throw new TransportError("IPC_ABORTED", `${doing} was aborted`, { cause: signal.reason });
  }
}
