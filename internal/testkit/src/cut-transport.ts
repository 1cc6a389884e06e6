import { Duplex } from "node:stream";
import { memory, type Transport } from "@ipc/transport";

/** A client's end of a connection, between it and the stream to the server. */
class Relay extends Duplex {
  readonly #far: Duplex;
  #isLeft = false;

  constructor(far: Duplex) {
    super({ allowHalfOpen: false });
    this.#far = far;
    far.on("data", (chunk: Buffer) => this.push(chunk) || far.pause());
    far.on("end", () => this.push(null));
    far.on("error", (error) => this.destroy(error));
    far.on("close", () => this.destroy());
    far.pause();
  }

  override _read(): void {
    this.#far.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#far.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#far.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isLeft) this.#far.destroy();
    done(error);
  }

  /** Ends here with an error, and leaves the connection of the server as it is. */
  leave(): void {
    this.#isLeft = true;
    this.#far.pause();
    this.destroy(new Error("half open"));
  }
}

/** A transport within this process whose connections can be cut, with whatever is on the way, or left half open. */
export class CutTransport implements Transport {
  readonly #inner = memory();
  readonly #relays = new Set<Relay>();
  readonly maxRetryDelayMs = 1;

  address: Transport["address"] = (...place) => this.#inner.address(...place);

  listen: Transport["listen"] = (...place) => this.#inner.listen(...place);

  dial: Transport["dial"] = async (...place) => {
    const relay = new Relay(await this.#inner.dial(...place));
    relay.on("error", () => {});
    this.#relays.add(relay);
    relay.once("close", () => this.#relays.delete(relay));
    return relay;
  };

  /** Cuts every connection at both ends. */
  cut(): void {
    for (const relay of this.#relays) relay.destroy(new Error("cut"));
  }

  /** The clients notice that their connections are lost, and the server does not. */
  halfOpen(): void {
    for (const relay of this.#relays) relay.leave();
  }
}
