import { expect, it } from "vitest";
import { canHeal } from "./healing.js";

it.each([
  "IPC_NO_SERVER",
  "IPC_SERVER_BUSY",
  "IPC_HANDSHAKE_FAILED",
  "IPC_HANDSHAKE_TIMEOUT",
  "IPC_CONNECTION_LOST",
  "IPC_TRANSPORT_FAILED",
  "IPC_FRAME_TRUNCATED",
  "IPC_DECRYPTION_FAILED",
  "IPC_PUBLIC_KEY_INVALID",
  "IPC_RECORD_INVALID",
  "IPC_RECORD_TRUNCATED",
] as const)("dials again after %s: the server may be away, busy, slow or replaced", (code) => {
  expect(canHeal(code)).toBe(true);
});

it.each([
  "IPC_VERSION_MISMATCH",
  "IPC_ENCRYPTION_REFUSED",
  "IPC_AUTHENTICATION_FAILED",
  "IPC_UNTRUSTED_SOCKET",
  "IPC_KEY_FILE_UNTRUSTED",
  "IPC_PERMISSION_DENIED",
  "IPC_PATH_TOO_LONG",
  "IPC_ABORTED",
  "IPC_CLOSED",
  "IPC_TIMED_OUT",
] as const)("gives up after %s: waiting does not change it", (code) => {
  expect(canHeal(code)).toBe(false);
});
