import { type Client, type DataMessage, startClient } from "@ipc/client";
import { waitUntil } from "../process/footprint.js";

/** The server that the clients of a crowd connect to, and how. */
export interface ServerAddress {
  readonly name: string;
  readonly directory: string;
  readonly encryption: boolean;
  /** As the client's options of these names. */
  readonly maxUnreadBytes?: number;
  readonly heartbeatMs?: number;
}

/** Types of messages between clients and server. */
const ECHO = 1;
export const HELLO = 2;
export const LOAD = 3;

/** Long enough for thousands that come at once on a slow machine, and an end where something hangs; in milliseconds. */
const CONNECT_MS = 120_000;

/** The default of what a client leaves unread at the most. */
const MAX_UNREAD_BYTES = 1_048_576;

/** The first bytes of a message: its number, so that a loss, a repetition or a mix-up is noticed. */
const NUMBER_BYTES = 4;

/** One client of a crowd. */
export class Visitor {
  readonly #client: Client;
  readonly #maxUnreadBytes: number;
  #stalls = false;

  private constructor(client: Client, maxUnreadBytes: number) {
    this.#client = client;
    this.#maxUnreadBytes = maxUnreadBytes;
  }

  static async connect(address: ServerAddress, multiClient: boolean): Promise<Visitor> {
    // A client that gives up a handshake which its server has completed would count as two.
    const patience = { timeoutMs: CONNECT_MS, handshakeTimeoutMs: CONNECT_MS };
    const { maxUnreadBytes = MAX_UNREAD_BYTES } = address;
    return new Visitor(await startClient({ ...address, multiClient, ...patience }), maxUnreadBytes);
  }

  /** Sends a message and waits for its echo, so many times. Returns how many came back right. */
  async echo(messages: number): Promise<number> {
    const echoes = this.#client[Symbol.asyncIterator]();
    let right = 0;
    for (let number = 0; number < messages; number++) {
      const text = `${process.pid} says ${number}`;
      await this.#client.write(ECHO, text);
      const { value } = await echoes.next();
      if (value?.text() === text) right++;
    }
    await echoes.return?.();
    return right;
  }

  /** Sends messages of `bytes` as fast as they are taken. Resolves when all have come back, in order. */
  async flood(messages: number, bytes: number): Promise<number> {
    const sent = this.#send(ECHO, bytes, messages);
    const echoes = this.#client[Symbol.asyncIterator]();
    for (let number = 0; number < messages; number++) {
      const { value } = await echoes.next();
      assertNumber(value, number);
    }
    await echoes.return?.();
    await sent;
    return messages;
  }

  /** Sends as `flood` does, without end, and reads nothing. Resolves when it holds all that it leaves unread: it takes no more. */
  async stall(bytes: number): Promise<void> {
    this.#stalls = true;
    this.#sendForEver(ECHO, bytes);
    await waitUntil("it takes no more", () => this.#client.stats.unreadBytes >= this.#maxUnreadBytes);
  }

  /** Says its name, then sends for ever, and reads nothing before `drain`. */
  async load(name: string, bytes: number): Promise<void> {
    await this.#client.write(HELLO, name);
    this.#sendForEver(LOAD, bytes);
  }

  /** Reads on until the server ends the connection, and returns how many messages came, in order. */
  async drain(): Promise<number> {
    let received = 0;
    const over = new Promise<void>((resolve) => {
      // Told behind every message that came before.
      this.#client.on("status", (status) => {
        if (status === "Reconnecting") resolve();
      });
    });
    this.#client.on("message", (message) => {
      assertNumber(message, received);
      received++;
    });
    await over;
    this.#client.destroy();
    return received;
  }

  async close(): Promise<void> {
    // A stalled client is destroyed, because the server no longer reads the messages that it has queued.
    if (this.#stalls) this.#client.destroy();
    else await this.#client.close();
  }

  #sendForEver(type: number, bytes: number): void {
    // It ends with the connection.
    this.#send(type, bytes, Number.POSITIVE_INFINITY).catch(() => {});
  }

  async #send(type: number, bytes: number, messages: number): Promise<void> {
    // A write has copied its data when it resolves.
    const data = Buffer.alloc(bytes);
    for (let number = 0; number < messages; number++) {
      data.writeUInt32BE(number);
      await this.#client.write(type, data);
    }
  }
}

function assertNumber(message: DataMessage | undefined, expected: number): void {
  if (message === undefined || message.data.length < NUMBER_BYTES) throw new Error(`message ${expected} did not come`);
  const { buffer, byteOffset } = message.data;
  const number = new DataView(buffer, byteOffset).getUint32(0);
  if (number !== expected) throw new Error(`message ${number} came in the place of ${expected}`);
}
