import { TransportError } from "./transport-error.js";

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
