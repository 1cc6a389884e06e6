import { expect, it } from "vitest";
import { isRetryable } from "./dial-loop.js";

const PASTS = ["no connection", "a connection", "a secure session"] as const;

const BROKEN = [
  "IPC_NO_SERVER",
  "IPC_SERVER_BUSY",
  "IPC_HANDSHAKE_FAILED",
  "IPC_HANDSHAKE_TIMEOUT",
  "IPC_CONNECTION_LOST",
  "IPC_TRANSPORT_FAILED",
  "IPC_FRAME_TRUNCATED",
  "IPC_PEER_CLOSED",
  "IPC_DECRYPTION_FAILED",
  "IPC_PUBLIC_KEY_INVALID",
  "IPC_RECORD_INVALID",
  "IPC_RECORD_TRUNCATED",
] as const;

it.each(BROKEN)(
  "redials after %s, because the server may be absent, busy, slow or replaced (golang-ipc: row 28)",
  (code) => {
    expect(PASTS.map((history) => isRetryable(code, history))).toEqual([true, true, true]);
  },
);

it.each(["IPC_AUTHENTICATION_FAILED", "IPC_PERMISSION_DENIED", "IPC_SECURITY_REFUSED"] as const)(
  "gives up after %s at the start, and redials when keys and permissions were right before",
  (code) => {
    expect(PASTS.map((history) => isRetryable(code, history))).toEqual([false, true, true]);
  },
);

it.each(["IPC_VERSION_MISMATCH", "IPC_ENCRYPTION_REFUSED"] as const)(
  "gives up after %s, but retries after a secure session, because the sender has not proved to be that server",
  (code) => {
    expect(PASTS.map((history) => isRetryable(code, history))).toEqual([false, false, true]);
  },
);

it.each([
  "IPC_UNTRUSTED_SOCKET",
  "IPC_KEY_FILE_UNTRUSTED",
  "IPC_PATH_TOO_LONG",
  "IPC_PEER_GONE",
  "IPC_ABORTED",
  "IPC_CLOSED",
  "IPC_TIMED_OUT",
] as const)("gives up after %s, because the failure is permanent", (code) => {
  expect(PASTS.map((history) => isRetryable(code, history))).toEqual([false, false, false]);
});
