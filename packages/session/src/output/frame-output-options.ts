import type { Duplex } from "node:stream";
import type { MessageEncoder } from "../codec/codec.js";
import type { IpcError } from "../errors.js";
import type { ResendBuffer } from "../resume/resend-buffer.js";

export interface FrameOutputOptions {
  readonly stream: Duplex;
  readonly encoder: MessageEncoder;
  /** How long the event loop polls instead of sleeping after a send, in microseconds. */
  readonly busyPollUs: number;
  /** Keeps the messages until the peer has them. @default none does */
  readonly resend: ResendBuffer | undefined;
  /** Called when the kernel has taken bytes. */
  readonly written: () => void;
  /** Called when a batch or the rest of a large message cannot be encoded: these messages are not sent. */
  readonly failed: (error: IpcError) => void;
}
