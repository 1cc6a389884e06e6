import { type IpcErrorCode, isIpcError } from "./errors.js";

/** Says whether a wait failed because the connection ended: no fault of who waited, and told by other ways too. */
export function isConnectionEnd(error: unknown): boolean {
  return isIpcError(error) && ends(error.code);
}

/**
 * Says whether a wait failed by what the peer did or did not do: it ended the connection, or it does not read. That must not
 * be able to end this process.
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
  // A code that another version of the library has.
  return false;
}
