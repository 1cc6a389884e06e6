import { describe, expect, it } from "vitest";
import { isConnectionEnd, SessionError } from "./errors.js";

const withCode = (code: string): Error => Object.assign(new Error("x"), { code });

describe("a wait fails because the connection has ended", () => {
  it.each([
    "IPC_CIPHER_EXHAUSTED",
    "IPC_CLOSED",
    "IPC_CONNECTION_LOST",
    "IPC_DECRYPTION_FAILED",
    "IPC_FRAME_TOO_LARGE",
    "IPC_FRAME_TOO_SHORT",
    "IPC_FRAME_TRUNCATED",
    "IPC_LISTENER_LOST",
    "IPC_NOT_CONNECTED",
  ])("with %s", (code) => {
    expect(isConnectionEnd(withCode(code))).toBe(true);
  });
});

describe("a wait fails for another reason", () => {
  it.each([
    "IPC_ABORTED",
    "IPC_ADDRESS_IN_USE",
    "IPC_CLOSE_INCOMPLETE",
    "IPC_CONSUMER_TAKEN",
    "IPC_ENCRYPTION_REFUSED",
    "IPC_HANDSHAKE_FAILED",
    "IPC_HANDSHAKE_TIMEOUT",
    "IPC_MESSAGE_TOO_LARGE",
    "IPC_NAME_INVALID",
    "IPC_NOT_AUTHORIZED",
    "IPC_NO_SERVER",
    "IPC_PATH_TOO_LONG",
    "IPC_PERMISSION_DENIED",
    "IPC_PUBLIC_KEY_INVALID",
    "IPC_QUEUE_FULL",
    "IPC_SERVER_BUSY",
    "IPC_TIMED_OUT",
    "IPC_TRANSPORT_FAILED",
    "IPC_UNTRUSTED_SOCKET",
    "IPC_VERSION_MISMATCH",
  ])("with %s", (code) => {
    expect(isConnectionEnd(withCode(code))).toBe(false);
  });

  it.each([
    new TypeError("x"),
    withCode("ECONNRESET"),
    withCode("IPC_OF_ANOTHER_VERSION"),
    { code: "IPC_CLOSED" },
    null,
  ])("with what is none of the library's: %s", (error) => {
    expect(isConnectionEnd(error)).toBe(false);
  });

  it("with an error whose cause is an end", () => {
    const cause = new SessionError("IPC_CLOSED", "closed");
    expect(isConnectionEnd(new Error("the order was not sent", { cause }))).toBe(false);
  });
});
