import type { Duplex } from "node:stream";
import { memoryPair } from "@ipc/transport";

/** What becomes of an item on its way: other bytes, or nothing. */
export type Rewrite = (item: Buffer, index: number) => Buffer | undefined;

/** How it rewrites what goes to each side. @default as it is */
export interface Rewrites {
  readonly toServer?: Rewrite;
  readonly toClient?: Rewrite;
}

type Side = "client" | "server";

const asItIs: Rewrite = (item) => item;

/**
 * A client's and a server's stream with an attacker between them that rewrites or drops items. Each write of a side is
 * an item; the first has the index 0.
 */
export class ManInTheMiddle {
  /** For a client. */
  readonly client: Duplex;
  /** For a server. */
  readonly server: Duplex;
  /** Everything that each side has written, item by item. */
  readonly heard: Readonly<Record<Side, Buffer[]>> = { client: [], server: [] };
  readonly #to: Readonly<Record<Side, Duplex>>;

  constructor({ toServer = asItIs, toClient = asItIs }: Rewrites = {}) {
    const [client, toClientEnd] = memoryPair();
    const [server, toServerEnd] = memoryPair();
    this.client = client;
    this.server = server;
    this.#to = { client: toClientEnd, server: toServerEnd };
    this.#carry("client", "server", toServer);
    this.#carry("server", "client", toClient);
  }

  /** Sends bytes of its own to a side. */
  say(to: Side, bytes: Uint8Array): void {
    if (this.#to[to].writable) this.#to[to].write(bytes);
  }

  /** Ends the stream to a side, in an orderly way as far as the stream goes. */
  end(to: Side): void {
    this.#to[to].end();
  }

  #carry(from: Side, to: Side, rewrite: Rewrite): void {
    const [source, target] = [this.#to[from], this.#to[to]];
    source.on("data", (item: Buffer) => {
      const index = this.heard[from].push(item) - 1;
      const rewritten = rewrite(item, index);
      if (rewritten !== undefined) this.say(to, rewritten);
    });
    source.once("end", () => target.end());
    source.once("error", () => target.destroy());
  }
}
