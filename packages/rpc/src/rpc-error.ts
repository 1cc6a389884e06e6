import { messageOf } from "./format-value.js";

/** Whether the method may have run: "no" is certain, "yes" too; "maybe" once a frame of the call may have reached the peer. */
export type Executed = "no" | "maybe" | "yes";

export function isExecuted(value: unknown): value is Executed {
  return value === "no" || value === "maybe" || value === "yes";
}

/** The codes of RpcError. */
export type RpcErrorCode =
  | "IPC_ABORTED"
  | "IPC_CALL_LOST"
  | "IPC_CLOSED"
  | "IPC_MESSAGE_TOO_LARGE"
  | "IPC_QUEUE_FULL"
  | "IPC_TIMED_OUT";

/** Codes of a write that the peer has not accepted, although nothing is wrong with the connection. */
const REFUSALS: readonly unknown[] = ["IPC_CLOSED", "IPC_MESSAGE_TOO_LARGE", "IPC_QUEUE_FULL"] satisfies RpcErrorCode[];

/** Reports that this side ended a call, or that its connection did. `docs/ERRORS.md` has a heading for each code. */
export class RpcError extends Error {
  override readonly name: string;
  readonly code: RpcErrorCode;
  readonly executed: Executed;

  constructor(code: RpcErrorCode, executed: Executed, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.executed = executed;
    // The platform's APIs identify an aborted wait by this name.
    this.name = code === "IPC_ABORTED" ? "AbortError" : "RpcError";
  }
}

/** Returns the code of an error of this library, judged by its form and not by its class. */
export function ipcCodeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" && error.code.startsWith("IPC_") ? error.code : undefined;
}

/** Returns whether a write failed although nothing is wrong with the connection. */
export function isRefusal(code: string | undefined): code is RpcErrorCode {
  return REFUSALS.includes(code);
}

/** Creates the error of a call from that of a write: a refusal keeps its code, and any other means that the connection is lost. */
export function writeError(method: string, error: unknown, executed: Executed): RpcError {
  const code = ipcCodeOf(error);
  const message = `${method}: ${messageOf(error)}`;
  return new RpcError(isRefusal(code) ? code : "IPC_CALL_LOST", executed, message, { cause: error });
}
