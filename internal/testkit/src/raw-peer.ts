import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { onTestFinished } from "vitest";

/** One end of a connection that says exactly what a test tells it to, byte by byte. */
export class RawPeer {
  readonly stream: Duplex;
  /** Resolves when the connection is over, however it ended. */
  readonly gone: Promise<void>;
  /** Everything received and not read. */
  #held: Buffer = Buffer.alloc(0);
  #look: () => void = () => {};

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk]);
      this.#look();
    });
    this.gone = new Promise((resolve) => {
      stream.once("close", () => {
        this.#look();
        resolve();
      });
    });
  }

  /** Connects to a socket file; cut when the test is over. */
  static connect(path: string): Promise<RawPeer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path });
      onTestFinished(() => void socket.destroy());
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawPeer(socket)));
    });
  }

  write(...bytes: number[]): void {
    this.stream.write(Uint8Array.from(bytes));
  }

  /** Reads exactly that many bytes; rejects when the connection ends first. */
  read(bytes: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#look = () => {
        if (this.#held.length >= bytes) {
          this.#look = () => {};
          resolve(this.#held.subarray(0, bytes));
          this.#held = this.#held.subarray(bytes);
        } else if (this.stream.destroyed) {
          reject(new Error(`the connection ended after ${this.#held.length} of ${bytes} bytes`));
        }
      };
      this.#look();
    });
  }

  /** Plays a server without encryption up to its last item. */
  async serve(maxMessageSize = 1_024): Promise<void> {
    this.write(2, 0);
    await this.read(1);
    const limits = Buffer.alloc(8);
    limits.writeUInt32BE(4, 0);
    limits.writeUInt32BE(maxMessageSize, 4);
    this.stream.write(limits);
    await this.read(1);
  }

  /** Plays a client of a server without encryption. */
  async join(): Promise<void> {
    await this.read(2);
    this.write(0);
    const length = await this.read(4);
    await this.read(length.readUInt32BE());
    this.write(0);
  }
}

/** One message as a server without encryption puts it on the wire. */
export function plainFrame(type: number, text: string): Uint8Array {
  const data = Buffer.from(text);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(4 + data.length, 0);
  header.writeUInt32BE(type, 4);
  return Buffer.concat([header, data]);
}
