import { CODE_MAX_BYTES } from "./limits.js";
import type { Executed } from "./rpc-error.js";

/** The codes of an answer that the layer itself gives. A method's own codes never start with `ipc.`. */
export type ReservedCode =
  | "ipc.unknown-method"
  | "ipc.bad-input"
  | "ipc.bad-output"
  | "ipc.codec"
  | "ipc.busy"
  | "ipc.closing"
  | "ipc.cancelled"
  | "ipc.deadline"
  | "ipc.flow"
  | "ipc.internal";

/** The reserved codes of calls whose method has not run, unless the answer says otherwise. */
const NOT_EXECUTED: ReadonlySet<string> = new Set([
  "ipc.unknown-method",
  "ipc.bad-input",
  "ipc.codec",
  "ipc.busy",
  "ipc.closing",
]);
/** The reserved codes of calls that were ended while they ran, unless the answer says otherwise. */
const ENDED_EARLY: ReadonlySet<string> = new Set(["ipc.cancelled", "ipc.deadline", "ipc.flow"]);

/** The other side answered a call with an error: one that the method declares, or a reserved one, `ipc.…`. */
export class CallFailed<Code extends string = string, Data = unknown> extends Error {
  override readonly name: string = "CallFailed";
  readonly code: Code;
  /** As declared for `code`; of `ipc.bad-input` `{ issues }`, of other reserved codes undefined. */
  readonly data: Data;
  readonly executed: Executed;
  /** The method that was called. */
  readonly method: string;

  constructor(code: Code, data: Data, options: CallFailedOptions & ErrorOptions) {
    super(options.message, options);
    this.code = code;
    this.data = data;
    this.method = options.method;
    this.executed = options.executed ?? executedOf(code);
  }
}

export interface CallFailedOptions {
  readonly message: string;
  readonly method: string;
  /** @default what `code` says */
  readonly executed?: Executed;
}

/** Returns whether an error is a CallFailed, also one of another copy of this package. */
export function isCallFailed(error: unknown): error is CallFailed {
  if (typeof error !== "object" || error === null) return false;
  const { name, code, executed } = error as Partial<CallFailed>;
  return name === "CallFailed" && typeof code === "string" && executed !== undefined;
}

/** Returns whether a method may declare a code: 1 … 64 bytes, and not `ipc.…`. */
export function isOwnCode(code: unknown): code is string {
  if (typeof code !== "string") return false;
  return code !== "" && !code.startsWith("ipc.") && Buffer.byteLength(code) <= CODE_MAX_BYTES;
}

/** Returns whether a method has run whose answer is an error with this code and says no more. */
export function executedOf(code: string): Executed {
  if (NOT_EXECUTED.has(code)) return "no";
  return ENDED_EARLY.has(code) ? "maybe" : "yes";
}
