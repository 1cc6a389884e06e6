import type { CryptoError } from "@ipc/crypto";
import type { FrameError } from "@ipc/framing";
import type { NameError, TransportError } from "@ipc/transport";
import type { SessionError } from "./session-error.js";

/** Every error of the library; `code` says which. */
export type IpcError = FrameError | CryptoError | TransportError | SessionError | NameError;

/** Every code of the library. */
export type IpcErrorCode = IpcError["code"];

/** Tells the library's errors from others, by code: it holds too where two copies of a package are loaded. */
export function isIpcError(error: unknown): error is IpcError {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("IPC_");
}
