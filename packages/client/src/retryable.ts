import type { IpcErrorCode } from "@ipc/session";

/** The best connection that a client has had to its server so far. */
export type ConnectionHistory = "no connection" | "a connection" | "a secure session";

/**
 * Returns whether dialling again can succeed. Waiting does not change the configuration of either side; it can help if a server
 * is absent, busy, slow or broken.
 *
 * @param history after a connection, the keys were right, so a server with other keys, or an impostor, may be gone at the next
 * attempt. After a secure session, so may a server that offers anything less, because it has not proved that it is the same
 * server
 */
export function isRetryable(code: IpcErrorCode, history: ConnectionHistory): boolean {
  switch (code) {
    case "IPC_NO_SERVER":
    case "IPC_SERVER_BUSY":
    case "IPC_HANDSHAKE_FAILED":
    case "IPC_HANDSHAKE_TIMEOUT":
    case "IPC_CONNECTION_LOST":
    case "IPC_TRANSPORT_FAILED":
    case "IPC_FRAME_TOO_LARGE":
    case "IPC_FRAME_TOO_SHORT":
    case "IPC_FRAME_TRUNCATED":
    case "IPC_CIPHER_EXHAUSTED":
    case "IPC_DECRYPTION_FAILED":
    case "IPC_PUBLIC_KEY_INVALID":
    case "IPC_RECORD_INVALID":
    case "IPC_RECORD_TRUNCATED":
      return true;
    case "IPC_AUTHENTICATION_FAILED":
    case "IPC_SECURITY_REFUSED":
      return history !== "no connection";
    case "IPC_VERSION_MISMATCH":
    case "IPC_ENCRYPTION_REFUSED":
      return history === "a secure session";
    case "IPC_NOT_AUTHORIZED":
    case "IPC_UNTRUSTED_SOCKET":
    case "IPC_KEY_FILE_UNTRUSTED":
    case "IPC_PERMISSION_DENIED":
    case "IPC_PATH_TOO_LONG":
    case "IPC_NAME_INVALID":
    case "IPC_ADDRESS_IN_USE":
    case "IPC_LISTENER_LOST":
    case "IPC_ABORTED":
    case "IPC_TIMED_OUT":
    case "IPC_CLOSED":
    case "IPC_CLOSE_INCOMPLETE":
    case "IPC_CONSUMER_TAKEN":
    case "IPC_MESSAGE_TOO_LARGE":
    case "IPC_NOT_CONNECTED":
    case "IPC_QUEUE_FULL":
      return false;
  }
}
