import type { Duplex } from "node:stream";

export type Direction = "toServer" | "toClient";

/** The fate of a connection: both sides see its end, or the client alone, and the server's side is silent until `release`. */
export type FaultKind = "cut" | "hold";

/** A fault that happens when so many more bytes have passed in a direction; at 0, at once. */
export interface Fault {
  readonly kind: FaultKind;
  readonly direction: Direction;
  readonly bytes: number;
}

export interface LinkEnds {
  readonly client: Duplex;
  readonly server: Duplex;
  readonly remote: string;
}

/** One connection of a client to a server, which fails after as many bytes of a direction as the test says. */
export class FaultyLink {
  /** The address that the server sees at the other end. */
  readonly remote: string;
  readonly #client: Duplex;
  readonly #server: Duplex;
  /** The bytes of each direction that still pass before the fault. */
  readonly #left: Record<Direction, number> = {
    toServer: Number.POSITIVE_INFINITY,
    toClient: Number.POSITIVE_INFINITY,
  };
  #fault: FaultKind | undefined;
  /** Bytes that were on their way to the server at the fault; undefined before it. */
  #held: Uint8Array[] | undefined;

  readonly #onBytes: (bytes: number) => void;

  /** @param onBytes called with the number of bytes that pass */
  constructor({ client, server, remote }: LinkEnds, onBytes: (bytes: number) => void) {
    this.remote = remote;
    this.#client = client;
    this.#server = server;
    this.#onBytes = onBytes;
    this.#forward("toServer", client, server);
    this.#forward("toClient", server, client);
    client.on("close", () => {
      if (this.#held === undefined) server.destroy();
    });
    server.on("close", () => client.destroy());
  }

  /** Whether its fault has not happened. */
  get isWhole(): boolean {
    return this.#held === undefined;
  }

  fail({ kind, direction, bytes }: Fault): void {
    if (this.#held !== undefined) return;
    this.calm();
    this.#fault = kind;
    this.#left[direction] = bytes;
    if (bytes === 0) this.#fail(kind);
  }

  /** Lets everything pass. */
  calm(): void {
    if (this.#held !== undefined) return;
    this.#fault = undefined;
    this.#left.toServer = Number.POSITIVE_INFINITY;
    this.#left.toClient = Number.POSITIVE_INFINITY;
  }

  /** Passes on what was held, late. */
  release(): void {
    for (const chunk of this.#held?.splice(0) ?? []) this.#server.write(chunk);
  }

  /** Ends both sides, and loses what is held. */
  destroy(): void {
    this.#fail("cut");
  }

  #forward(direction: Direction, from: Duplex, to: Duplex): void {
    from.on("data", (chunk: Uint8Array) => {
      if (this.#held !== undefined) return;
      const passes = Math.min(this.#left[direction], chunk.length);
      this.#left[direction] -= passes;
      if (passes > 0) to.write(chunk.subarray(0, passes));
      this.#onBytes(passes);
      // Not before a byte more than that is sent: the side that has sent it may think that a handshake is complete.
      if (this.#fault === undefined || passes === chunk.length) return;
      this.#fail(this.#fault, direction === "toServer" ? chunk.subarray(passes) : undefined);
    });
    from.on("end", () => {
      if (this.#held === undefined) to.end();
    });
  }

  /** @param rest what has come and does not pass, on its way to the server */
  #fail(kind: FaultKind, rest?: Uint8Array): void {
    this.#fault = kind;
    this.#held = rest === undefined ? [] : [rest];
    this.#client.destroy();
    if (kind === "cut") this.#server.destroy();
  }
}
