import type { Duplex } from "node:stream";
import type { MessageEncoder } from "../codec/codec.js";
import type { IpcError } from "../errors.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import type { SharedBudget } from "../shared-budget.js";
import type { WriteQueue } from "./write-queue.js";

export interface SenderOptions {
  readonly stream: Duplex;
  readonly encoder: MessageEncoder;
  readonly maxQueuedBytes: number;
  /** How long the event loop polls instead of sleeping after a send, in microseconds. */
  readonly busyPollUs: number;
  /** Budget of queued bytes that several connections share. */
  readonly budget?: SharedBudget | undefined;
  /** Holds writes made before the connection was established, and later writes that wait for room. */
  readonly waiting: WriteQueue;
  /** Called when the cipher is exhausted: the connection must end. */
  readonly exhausted: (error: IpcError) => void;
  /** The session that the connection belongs to, if it can be resumed. */
  readonly session?: ResumableSession | undefined;
}
