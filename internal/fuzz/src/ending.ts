import type { IpcErrorCode } from "@ipc/session";
import type { Wire } from "./handshakes.js";
import type { Target } from "./input.js";

/** Where an input ended, and with what. */
export interface Ending {
  readonly target: Target;
  readonly wire: Wire;
  /** What was waited for, or how it was over. */
  readonly state: string;
  /** Undefined: nothing failed. */
  readonly code: IpcErrorCode | undefined;
  readonly messages: number;
}

/** An input that did not end as it must. */
export class BadEnding extends Error {
  override readonly name = "BadEnding";
}
