import { types } from "node:util";
import { TransportError } from "../transport-error.js";
import { WindowedStream } from "../windowed-stream.js";

/** The part of a MessagePort or a Worker of `node:worker_threads` that the transport uses. */
export interface MessagePortLike {
  postMessage(value: unknown, transferList: readonly ArrayBuffer[]): void;
  on(event: string, listener: (value: unknown) => void): unknown;
  off(event: string, listener: (value: unknown) => void): unknown;
  /** Only a Worker has it. */
  readonly threadId?: number;
  ref(): void;
  unref(): void;
  /** A Worker has none. */
  close?(): void;
}

/** Each count is told at once: the other thread is near, and a post is cheap. */
const SIZES = { sendWindow: 262_144, receiveWindow: 262_144, maxChunk: 65_536, tellAfter: 1 };

/** The messages other than data, which is an ArrayBuffer, and than a number: so many bytes have been taken. */
const END = "end";
const RESET = "reset";

/** One end of a connection over a port. A port that closes without a word, because its thread has ended, is 'end'. */
export class PortStream extends WindowedStream {
  readonly #port: MessagePortLike;

  constructor(port: MessagePortLike) {
    super(SIZES);
    this.#port = port;
    port.on("message", this.#onMessage);
    port.on("messageerror", this.#onMessageError);
    port.on(this.#isWorker ? "exit" : "close", this.#onPortClose);
    // To listen has referenced the port. Nothing keeps the process alive before a client or a server uses the transport.
    this.unref();
  }

  /** A Worker keeps the process alive by itself, and stops when it does not: that is for its owner to say. */
  ref(): this {
    if (!this.#isWorker) this.#port.ref();
    return this;
  }

  unref(): this {
    if (!this.#isWorker) this.#port.unref();
    return this;
  }

  protected override sendChunk(chunk: Uint8Array): void {
    // Memory of its own, which is transferred: to transfer a Buffer of the pool would detach all that the pool has lent.
    const copy = new Uint8Array(chunk).buffer;
    this.#port.postMessage(copy, [copy]);
  }

  protected override sendTaken(bytes: number): void {
    this.#port.postMessage(bytes, []);
  }

  protected override sendEnd(): void {
    this.#port.postMessage(END, []);
  }

  protected override sendReset(): void {
    this.#port.postMessage(RESET, []);
  }

  protected override release(): void {
    this.#port.off("message", this.#onMessage);
    this.#port.off("messageerror", this.#onMessageError);
    this.#port.off(this.#isWorker ? "exit" : "close", this.#onPortClose);
    // Messages that were posted before are still delivered.
    this.#port.close?.();
  }

  get #isWorker(): boolean {
    return typeof this.#port.close !== "function";
  }

  readonly #onMessage = (value: unknown): void => {
    if (value === END) this.receiveEnd();
    else if (value === RESET) this.receiveReset();
    else if (!this.#receive(value)) {
      this.#fail(
        "something else posts to the port, or it holds more than 256 KiB; give the transport a port of its own",
      );
    }
  };

  #receive(value: unknown): boolean {
    if (typeof value === "number") return this.receiveTaken(value);
    return types.isArrayBuffer(value) && this.receiveChunk(Buffer.from(value));
  }

  readonly #onMessageError = (): void => this.#fail("a message could not be deserialized");

  readonly #onPortClose = (): void => this.receiveClose();

  #fail(what: string): void {
    this.destroy(new TransportError("IPC_TRANSPORT_FAILED", `the connection over a message port failed: ${what}`));
  }
}
