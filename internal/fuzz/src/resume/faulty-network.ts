import type { Duplex } from "node:stream";
import { type Listener, memoryPair, type Transport, TransportError } from "@ipc/transport";
import { type Fault, FaultyLink } from "./faulty-link.js";

interface Place {
  /** The connections to it so far. */
  dialled: number;
  accept?: ((stream: Duplex) => void) | undefined;
}

/**
 * The network between a server and one client, with a place for the server. Its transport makes memory streams with a faulty link in
 * between.
 */
export class FaultyNetwork {
  readonly #place: Place;
  readonly #links: FaultyLink[] = [];
  #isUp = true;
  #passedBytes = 0;
  /** The fault of the next connection. */
  #next: Fault | undefined;

  /** @param other the network of another client to the same server */
  constructor(other?: FaultyNetwork) {
    this.#place = other === undefined ? { dialled: 0 } : other.#place;
  }

  readonly transport: Transport = {
    address: (name) => `network:${name}`,
    listen: async (name, _endpoint, onStream): Promise<Listener> => {
      const accept = (stream: Duplex): void => onStream(stream);
      this.#place.accept = accept;
      const close = async (): Promise<void> => {
        if (this.#place.accept === accept) this.#place.accept = undefined;
      };
      return { address: `network:${name}`, close, ref() {}, unref() {} };
    },
    dial: async (): Promise<Duplex> => {
      const { accept } = this.#place;
      if (accept === undefined || !this.#isUp) throw new TransportError("IPC_NO_SERVER", "the network is down");
      const [client, clientsEnd] = memoryPair();
      const [server, serversEnd] = memoryPair();
      const remotePort = ++this.#place.dialled;
      Object.assign(server, { remoteAddress: "link", remotePort });
      const onBytes = (bytes: number): void => {
        this.#passedBytes += bytes;
      };
      const link = new FaultyLink({ client: clientsEnd, server: serversEnd, remote: `link:${remotePort}` }, onBytes);
      this.#links.push(link);
      if (this.#next !== undefined) link.fail(this.#next);
      this.#next = undefined;
      setImmediate(() => accept(server));
      return client;
    },
  };

  /** Bytes that have passed on all connections: as long as it grows, there is progress. */
  get passedBytes(): number {
    return this.#passedBytes;
  }

  /** The client's latest connection. */
  get latest(): FaultyLink | undefined {
    return this.#links.at(-1);
  }

  /** Lets the latest connection fail, or the next one. */
  fail(fault: Fault, isNext: boolean): void {
    if (isNext) this.#next = fault;
    else this.latest?.fail(fault);
  }

  /** Lets no connection fail any more. */
  calm(): void {
    this.#next = undefined;
    this.latest?.calm();
  }

  /** Passes on everything that was held. */
  release(): void {
    for (const link of this.#links) if (link !== this.latest) link.release();
  }

  /** Lets the server notice which connections the client has left. */
  notice(): void {
    for (const link of this.#links) if (!link.isWhole) link.destroy();
  }

  /** Cuts the connection; no further one is made before `up`. */
  down(): void {
    this.#isUp = false;
    this.latest?.fail({ kind: "cut", direction: "toServer", bytes: 0 });
  }

  up(): void {
    this.#isUp = true;
  }

  /** Loses everything that is on its way: a process was killed. */
  loseAll(): void {
    for (const link of this.#links.splice(0)) link.destroy();
  }
}
