import type { Duplex } from "node:stream";
import { openSession, type PeerOptions, type Session } from "@ipc/session";
import { type Endpoint, type Listener, type Transport, unixSocket } from "@ipc/transport";
import { onTestFinished } from "vitest";

/** Listens where a server would, and leaves every connection to the test. Gone with all of them when the test is over. */
export class FarServer {
  readonly #all: Duplex[] = [];
  readonly #unclaimed: Duplex[] = [];
  readonly #waiting: ((stream: Duplex) => void)[] = [];
  readonly #name: string;
  #listener: Listener | undefined;

  private constructor(name: string) {
    this.#name = name;
  }

  static async listen(
    place: string | Transport,
    name: string,
    endpoint: Endpoint = { kind: "name" },
  ): Promise<FarServer> {
    const server = new FarServer(name);
    const transport = typeof place === "string" ? unixSocket({ directory: place }) : place;
    server.#listener = await transport.listen(name, endpoint, (stream) => server.#take(stream), {});
    onTestFinished(() => server.destroy());
    return server;
  }

  /** The address at which it listens. */
  get address(): string {
    return this.#listener?.address ?? "";
  }

  /** How many have connected. */
  get connections(): number {
    return this.#all.length;
  }

  /** The latest connection, as it is. */
  get latest(): Duplex {
    const stream = this.#all.at(-1);
    if (stream === undefined) throw new Error("no client has connected");
    return stream;
  }

  /** The next connection, as it is. */
  next(): Promise<Duplex> {
    const stream = this.#unclaimed.shift();
    if (stream !== undefined) return Promise.resolve(stream);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next connection, when its handshake is complete. */
  async session(options: PeerOptions = {}): Promise<Session> {
    return openSession(await this.next(), { role: "server", name: this.#name, ...options });
  }

  /** Listens no more; connections live on. */
  async close(): Promise<void> {
    await this.#listener?.close();
  }

  async destroy(): Promise<void> {
    await this.close();
    for (const stream of this.#all) stream.destroy();
  }

  #take(stream: Duplex): void {
    this.#all.push(stream);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#unclaimed.push(stream);
    else waiting(stream);
  }
}
