import type { Duplex } from "node:stream";
import { clearImmediate, setImmediate } from "node:timers";
import { FREED_FROM_BYTES, freeMemory, RECORD_DATA_MAX_BYTES, RECORD_OVERHEAD_BYTES } from "@ipc/crypto";
import { asIpcError, type IpcError, SessionError } from "../errors.js";
import type { LargeMessage } from "./large-message.js";

/** A record. One is encoded while another waits, because the kernel asks for more only when its own buffer is almost empty. */
export const AHEAD_BYTES: number = RECORD_DATA_MAX_BYTES + RECORD_OVERHEAD_BYTES;

/**
 * While more bytes wait for the kernel, no next portion is encoded: a record, and the end of the message before it. That end, such as the 8
 * bytes that 1 MiB has more than four records, is one write with the first record of the next message.
 */
const WAITING_BYTES = AHEAD_BYTES + 4_096;

export type WriteCallback = (error?: Error | null) => void;

export interface LargeOutputOptions {
  readonly stream: Duplex;
  /** Writes to the stream. @param isLast of its portion: `onWritten` is called when the kernel has it */
  readonly write: (chunk: Uint8Array, isLast: boolean) => void;
  /** Called when the last portion has been written in a turn of its own. */
  readonly ended: () => void;
  /** Called when a portion has been written in a turn of its own: there may be room for more. */
  readonly written: () => void;
  /** Called when the rest cannot be encoded. */
  readonly failed: (error: IpcError) => void;
}

/**
 * Sends one large message after another, each in portions, which are encoded as the kernel takes them, one in a turn of the event loop:
 * the peer works on the first while the next is encoded, of a message of any size little more than 512 KiB exist twice, and other
 * connections have their turns.
 */
export class LargeOutput {
  readonly #options: LargeOutputOptions;
  #message: LargeMessage | undefined;
  /** Whether a portion is being handed: a stream that writes synchronously reports its end before that of the next. */
  #isHanding = false;
  /** Set while a portion is handed, by an event that is handled when the portion has been. */
  #wasTaken = false;
  #mustFinish = false;
  /** Set from one portion to the turn of the next one. */
  #nextTurn: NodeJS.Immediate | undefined;
  /** Whether the next portion is encoded at the end of this tick. */
  #isDue = false;
  #isStopped = false;

  constructor(options: LargeOutputOptions) {
    this.#options = options;
  }

  /** Whether a message is not encoded to its end. */
  get isBusy(): boolean {
    return this.#message !== undefined;
  }

  /** Encoded bytes of the portions that are missing. */
  get leftBytes(): number {
    return this.#message?.leftBytes ?? 0;
  }

  /** Whether the message with this data is not encoded to its end. */
  isAt(data: Uint8Array): boolean {
    return this.#message?.data === data;
  }

  /** Hands the first portion of a message; `goOn` or `finish` follows. */
  begin(message: LargeMessage, first: readonly Uint8Array[]): void {
    this.#message = message;
    this.#handPortion(first, message);
  }

  /** Leaves the next portion to another turn of the event loop, or says that there is none. */
  goOn(): void {
    if (this.#message !== undefined) this.#scheduleTurn();
    else this.#options.ended();
  }

  /** Encodes and hands all that is missing, in this turn; while a portion is handed, behind it. */
  finish(): void {
    this.#mustFinish = this.#isHanding;
    while (!this.#isHanding && this.#message !== undefined) this.#handNext(this.#message);
  }

  /** The kernel has taken bytes. One write may end several portions: the next one is encoded when all of them have been freed. */
  onWritten(): void {
    if (this.#isHanding) {
      this.#wasTaken = true;
    } else if (!this.#isDue) {
      this.#isDue = true;
      process.nextTick(this.#onTaken);
    }
  }

  readonly #onTaken = (): void => {
    this.#isDue = false;
    if (this.#nextTurn === undefined) this.#onTurn();
  };

  /** Drops the portions that are missing. */
  stop(): void {
    this.#isStopped = true;
    this.#message = undefined;
    clearImmediate(this.#nextTurn);
  }

  /** Encodes the next portion unless enough waits for the kernel. */
  #advance(): void {
    if (this.#message === undefined || this.#options.stream.writableLength > WAITING_BYTES) return;
    this.#handNext(this.#message);
    this.goOn();
  }

  #scheduleTurn(): void {
    if (!this.#isStopped) this.#nextTurn ??= setImmediate(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    this.#nextTurn = undefined;
    this.#advance();
    if (!this.#isStopped) this.#options.written();
  };

  /** Encodes the next portion and hands it to the stream. */
  #handNext(message: LargeMessage): void {
    let portion: readonly Uint8Array[];
    try {
      portion = message.next();
    } catch (thrown) {
      // The stream ends within the message, and its receiver is given nothing of it.
      this.#message = undefined;
      this.#options.failed(asIpcError(thrown, notEncodedError));
      return;
    }
    this.#handPortion(portion, message);
  }

  #handPortion(portion: readonly Uint8Array[], message: LargeMessage): void {
    const { stream, write } = this.#options;
    this.#isHanding = true;
    try {
      stream.cork();
      for (const chunk of portion) write(chunk, chunk === portion.at(-1));
      stream.uncork();
    } catch (error) {
      // A caller's stream has thrown; with 'error' and 'close' the connection ends.
      stream.destroy(error as Error);
    }
    this.#isHanding = false;
    if (message.leftBytes === 0) this.#message = undefined;
    if (this.#mustFinish) this.finish();
    if (this.#wasTaken) this.#scheduleTurn();
    this.#wasTaken = false;
  }
}

/** Returns the callback of the write of a chunk. @param frees whether the stream keeps no written chunk, and nothing else has this one */
export function callbackOf(
  chunk: Uint8Array,
  frees: boolean,
  written: WriteCallback | undefined,
): WriteCallback | undefined {
  if (!frees || chunk.length < FREED_FROM_BYTES) return written;
  return (error) => {
    if (!error) freeMemory(chunk);
    written?.(error);
  };
}

function notEncodedError(message: string, options: ErrorOptions): SessionError {
  const text = `connection ended: a part of a large message could not be encoded (${message}); write it again over the next connection`;
  return new SessionError("IPC_CONNECTION_LOST", text, options);
}
