import { Duplex } from "node:stream";
import { memory, type Transport } from "@ipc/transport";

/** A client's end of a connection, between it and the stream to the server. */
class Relay extends Duplex {
  readonly #far: Duplex;
  #isLeft = false;
  #isFrozen = false;

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
    if (!this.#isFrozen) this.#far.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#isFrozen) done();
    else this.#far.write(chunk, done);
  }

  override _final(done: () => void): void {
    this.#far.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.#isLeft) this.#far.destroy();
    done(error);
  }

  /** Nothing passes any more, and neither end notices. */
  freeze(): void {
    this.#isFrozen = true;
    this.#far.pause();
  }

  /** Ends here with an error, and leaves the connection of the server as it is. */
  leave(): void {
    this.#isLeft = true;
    this.#far.pause();
    this.destroy(new Error("half open"));
  }
}

/** A transport whose connections can be cut, with whatever is on the way, left half open, or frozen. @default within this process */
export class CutTransport implements Transport {
  readonly #inner: Transport;
  readonly #relays = new Set<Relay>();
  readonly maxRetryDelayMs = 1;

  constructor(inner: Transport = memory()) {
    this.#inner = inner;
  }

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

  /** Nothing passes on these connections any more, and no side notices. */
  freeze(): void {
    for (const relay of this.#relays) relay.freeze();
  }

  /** The clients notice that their connections are lost, and the server does not. */
  halfOpen(): void {
    for (const relay of this.#relays) relay.leave();
  }
}
