import type { IpcErrorCode } from "@ipc/session";

/** What a client has had of its server before. */
export type ConnectionHistory = "no connection" | "a connection" | "a secure session";

/**
 * Says whether dialling again can help. What both sides are configured to be does not change by waiting; that a server is
 * away, busy, slow or broken can.
 *
 * @param history where there was a connection, the keys were right, and a server that has others now, or somebody in its place,
 * may be gone at the next attempt. Where there was a secure session, so may whoever speaks of anything less: nobody has
 * proved that he is that server, who says so
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
