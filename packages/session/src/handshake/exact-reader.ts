import type { Duplex } from "node:stream";
import { SessionError } from "../errors.js";
import { assertBytes, hasEnded } from "../stream-input.js";

const NOTHING = new Uint8Array(0);

interface Wanted {
  readonly bytes: number;
  readonly what: string;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Reads exact numbers of bytes from a stream, one read at a time, and returns unused bytes at the end.
 *
 * It takes no further chunk while it holds enough bytes for the current read, so the stream's backpressure stops a peer that
 * sends more.
 */
export class ExactReader {
  readonly #stream: Duplex;
  #held: Uint8Array = NOTHING;
  #wanted: Wanted | undefined;
  #failure: Error | undefined;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on("data", this.#onData);
    stream.on("end", this.#onEnd);
    stream.on("error", this.#onError);
    stream.on("close", this.#onEnd);
    stream.pause();
    if (stream.destroyed || hasEnded(stream)) this.#onEnd();
  }

  /** Rejects with IPC_HANDSHAKE_FAILED if the stream ends first. `what` names the bytes in the error message. */
  read(bytes: number, what: string): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#wanted = { bytes, what, resolve, reject };
      this.#settle();
    });
  }

  /** Pauses the stream and stops listening to it; returns the bytes that arrived after the last ones read. */
  release(): Uint8Array {
    this.#stream.off("data", this.#onData);
    this.#stream.off("end", this.#onEnd);
    this.#stream.off("error", this.#onError);
    this.#stream.off("close", this.#onEnd);
    // An abandoned read leaves the stream flowing.
    this.#stream.pause();
    return this.#held;
  }

  readonly #onData = (chunk: unknown): void => {
    this.#stream.pause();
    try {
      assertBytes(chunk);
    } catch (error) {
      this.#onError(error as Error);
      return;
    }
    this.#held = this.#held.length === 0 ? chunk : join(this.#held, chunk);
    this.#settle();
  };

  readonly #onEnd = (): void => {
    this.#failure ??= new Error("end of stream");
    this.#settle();
  };

  readonly #onError = (error: Error): void => {
    this.#failure = error;
    this.#settle();
  };

  #settle(): void {
    const wanted = this.#wanted;
    if (wanted === undefined) return;
    if (this.#held.length >= wanted.bytes) {
      this.#wanted = undefined;
      const bytes = this.#held.subarray(0, wanted.bytes);
      this.#held = this.#held.subarray(wanted.bytes);
      wanted.resolve(bytes);
    } else if (this.#failure !== undefined) {
      this.#wanted = undefined;
      const why =
        this.#failure.name === "TypeError" ? this.#failure.message : "the peer disconnected or rejected this side";
      const error = new SessionError(
        "IPC_HANDSHAKE_FAILED",
        `connection ended: ${this.#held.length} of ${wanted.bytes} bytes of ${wanted.what} received; ${why}`,
        { cause: this.#failure },
      );
      wanted.reject(error);
    } else {
      this.#stream.resume();
    }
  }
}

/** Not `Buffer.concat`, which uses Node's pool: bytes behind the handshake are given out, and the pool has other data. */
function join(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const joined = new Uint8Array(head.length + tail.length);
  joined.set(head);
  joined.set(tail, head.length);
  return joined;
}
