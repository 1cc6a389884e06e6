import { CryptoError } from "@ipc/crypto";
import { FrameError } from "@ipc/framing";
import { TransportError } from "@ipc/transport";
import { describe, expect, test } from "vitest";
import { isIpcError, SessionError } from "./errors.js";

describe("isIpcError", () => {
  test.each([
    new FrameError("IPC_FRAME_TOO_LARGE", "m"),
    new CryptoError("IPC_DECRYPTION_FAILED", "m"),
    new TransportError("IPC_NO_SERVER", "m"),
    new SessionError("IPC_CLOSED", "m"),
  ])("knows $name", (error) => {
    expect(isIpcError(error)).toBe(true);
  });

  test("knows an error of another copy of the package by its code", () => {
    class SessionError extends Error {
      readonly code = "IPC_CLOSED";
    }
    expect(isIpcError(new SessionError())).toBe(true);
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
  ])("does not know %o", (error) => {
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

  test("of an aborted wait is an AbortError, as everywhere in the platform", () => {
    expect(new SessionError("IPC_ABORTED", "m").name).toBe("AbortError");
  });
});
