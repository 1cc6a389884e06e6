import { runInNewContext } from "node:vm";
import { CryptoError } from "@ipc/crypto";
import { FrameError } from "@ipc/framing";
import { TransportError } from "@ipc/transport";
import { describe, expect, test } from "vitest";
import { type IpcErrorCode, isConnectionError, isIpcError, SessionError, traitsOf } from "./errors.js";

describe("isIpcError", () => {
  test.each([
    new FrameError("IPC_FRAME_TOO_LARGE", "m"),
    new CryptoError("IPC_DECRYPTION_FAILED", "m"),
    new TransportError("IPC_NO_SERVER", "m"),
    new SessionError("IPC_CLOSED", "m"),
  ])("knows $name", (error) => {
    expect(isIpcError(error)).toBe(true);
  });

  test("recognizes an error of another copy of the package by its code", () => {
    class SessionError extends Error {
      readonly code = "IPC_CLOSED";
    }
    expect(isIpcError(new SessionError())).toBe(true);
  });

  test("recognizes an error of another realm", () => {
    expect(isIpcError(runInNewContext('Object.assign(new Error("m"), { code: "IPC_CLOSED" })'))).toBe(true);
  });

  test.each([
    new Error("m"),
    Object.assign(new Error("m"), { code: "ECONNRESET" }),
    Object.assign(new Error("m"), { code: 7 }),
    Object.assign(new Error("m"), { code: "XIPC_CLOSED" }),
    { code: "IPC_CLOSED" },
    "IPC_CLOSED",
    null,
    undefined,
  ])("does not recognize %o", (error) => {
    expect(isIpcError(error)).toBe(false);
  });
});

describe("a SessionError", () => {
  test("carries its name, its code, its message and its cause", () => {
    const cause = new Error("below");
    const error = new SessionError("IPC_CONNECTION_LOST", "cut", { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "SessionError", code: "IPC_CONNECTION_LOST", message: "cut", cause });
  });

  test("is an AbortError when a wait was aborted, as in the platform", () => {
    expect(new SessionError("IPC_ABORTED", "m").name).toBe("AbortError");
  });
});

describe("an error's traits", () => {
  test.each([
    "IPC_CIPHER_EXHAUSTED",
    "IPC_CONNECTION_LOST",
    "IPC_DECRYPTION_FAILED",
    "IPC_FRAME_TOO_LARGE",
    "IPC_FRAME_TOO_SHORT",
    "IPC_FRAME_TRUNCATED",
    "IPC_NOT_CONNECTED",
    "IPC_PEER_CLOSED",
    "IPC_RECORD_INVALID",
    "IPC_RECORD_TRUNCATED",
    "IPC_SECURITY_REFUSED",
    "IPC_SERVER_BUSY",
  ] as const)("name the end of a connection for %s, which is a connection error", (code) => {
    expect(traitsOf(code)).toMatchObject({ ends: "a connection" });
    expect(isConnectionError(Object.assign(new Error("of another copy"), { code }))).toBe(true);
  });

  test.each(["IPC_CLOSED", "IPC_LISTENER_LOST"] as const)("name the end of the peer for %s", (code) => {
    expect(traitsOf(code)).toMatchObject({ ends: "the peer" });
    expect(isConnectionError(Object.assign(new Error("m"), { code }))).toBe(false);
  });

  test.each([
    "IPC_ABORTED",
    "IPC_AUTHENTICATION_FAILED",
    "IPC_CLOSE_INCOMPLETE",
    "IPC_CONSUMER_TAKEN",
    "IPC_HANDSHAKE_TIMEOUT",
    "IPC_MESSAGE_TOO_LARGE",
    "IPC_NO_SERVER",
    "IPC_QUEUE_FULL",
    "IPC_TIMED_OUT",
    "IPC_TRANSPORT_FAILED",
  ] as const)("name the end of nothing for %s, which is no connection error", (code) => {
    expect(traitsOf(code)).not.toHaveProperty("ends");
    expect(isConnectionError(Object.assign(new Error("m"), { code }))).toBe(false);
  });

  test.each([
    new Error("m"),
    Object.assign(new Error("m"), { code: "ECONNRESET" }),
    { code: "IPC_PEER_CLOSED" },
    undefined,
  ])("belong to errors of the library: %o is no connection error", (error) => {
    expect(isConnectionError(error)).toBe(false);
  });

  test("are empty when the code comes from another version", () => {
    expect(traitsOf("IPC_OF_ANOTHER_VERSION" as IpcErrorCode)).toEqual({});
  });
});
