/** Every code of a failure to reach another process. `docs/ERRORS.md` has a heading for each. */
export type TransportErrorCode =
  | "IPC_ABORTED"
  | "IPC_ADDRESS_IN_USE"
  | "IPC_KEY_FILE_UNTRUSTED"
  | "IPC_LISTENER_LOST"
  | "IPC_NO_SERVER"
  | "IPC_PATH_TOO_LONG"
  | "IPC_PEER_GONE"
  | "IPC_PERMISSION_DENIED"
  | "IPC_TRANSPORT_FAILED"
  | "IPC_UNTRUSTED_SOCKET";

/** A stream could not be opened, or a listener could not be opened or kept. */
export class TransportError extends Error {
  override readonly name: string;
  readonly code: TransportErrorCode;

  constructor(code: TransportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // The web platform and Node identify an aborted wait by this name.
    this.name = code === "IPC_ABORTED" ? "AbortError" : "TransportError";
  }
}

/**
 * Returns if the signal is absent or not aborted.
 *
 * @param doing the operation, as the message's subject: "dialling /tmp/orders.sock"
 * @throws TransportError `IPC_ABORTED`, with the signal's reason as its cause
 */
export function assertNotAborted(signal: AbortSignal | undefined, doing: string): void {
  if (signal?.aborted) {
    throw new TransportError("IPC_ABORTED", `${doing} was aborted`, { cause: signal.reason });
  }
}
