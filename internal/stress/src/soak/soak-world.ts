import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { type Client, isIpcError, startClient } from "@ipc/client";
import { type ServerManager, startServerManager } from "@ipc/manager";
import { type Server, startServer } from "@ipc/server";
import { type Transport, unixSocket } from "@ipc/transport";
import { countResources, waitUntil } from "../process/footprint.js";
import type { Place } from "../process/place.js";
import { sum } from "../report/figure.js";
import { Crowd } from "../scale/crowd.js";
import { Visitor } from "../scale/visitor.js";

const PROCESSES = 2;
const VISITS = 40;
const FLOOD = 200;
const STRANGERS = 10;
const ECHOES = 200;
const ABORTED_READS = 50;
/** Every so many rounds the connection that stays is cut. */
const CUT_EVERY = 3;

interface Parts {
  readonly directory: string;
  readonly server: Server;
  readonly manager: ServerManager;
  readonly client: Client;
  readonly crowd: Crowd;
  /** Cuts the client's connection. */
  readonly cut: () => void;
}

/** A server with a client that stays, a manager with a crowd that comes and goes, and strangers at both. */
export class SoakWorld {
  readonly #parts: Parts;
  readonly #idle: number = countResources();
  rounds = 0;
  messages = 0;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  static async open(place: Place): Promise<SoakWorld> {
    const { directory } = place;
    const server = await startServer({ name: "soak", directory });
    server.on("message", ({ type, data }) => void server.write(type, data).catch(() => {}));
    const address = { name: "many", directory, encryption: true };
    const manager = await startServerManager(address);
    manager.on("message", (connection, { type, data }) => void connection.write(type, data).catch(() => {}));
    const inner = unixSocket({ directory });
    let latest: Duplex | undefined;
    const dial: Transport["dial"] = async (...place) => {
      latest = await inner.dial(...place);
      return latest;
    };
    const client = await startClient({ name: "soak", transport: { ...inner, dial }, retryMs: 1 });
    const crowd = await Crowd.start(place, address, PROCESSES);
    return new SoakWorld({ directory, server, manager, client, crowd, cut: () => void latest?.destroy() });
  }

  /** Everything once: echoes, starts and closes, floods, visits, strangers, cuts, aborts, failures. */
  async round(): Promise<void> {
    this.rounds++;
    await this.#echo();
    for (const encryption of [true, false]) await this.#startAndClose(encryption);
    await this.#giveUpReading();
    await this.#failToStart();
    await this.#visitByStrangers();
    await this.#parts.crowd.call("visit", (share) => ({ visits: share(VISITS), atOnce: 5 }));
    await this.#parts.crowd.call("connect", (share) => ({ clients: share(VISITS), atOnce: 5 }));
    const messages = await this.#parts.crowd.call("flood", () => ({ messages: FLOOD, bytes: 1_000 }));
    await this.#parts.crowd.call("close");
    this.messages += sum(messages) + VISITS;
    if (this.rounds % CUT_EVERY === 0) await this.#reconnect();
  }

  /** Waits until all clients have gone, also those that never were connected. */
  async settle(): Promise<void> {
    await waitUntil("all are gone", () => this.#parts.manager.connections.size === 0 && countResources() <= this.#idle);
  }

  /** Counts the socket files, and any other file beside them. */
  countFiles(): number {
    return readdirSync(this.#parts.directory).length;
  }

  /** Closes everything. */
  async close(): Promise<void> {
    await this.#parts.crowd.end();
    await this.#parts.client.close();
    await this.#parts.server.close();
    await this.#parts.manager.close();
  }

  async #echo(): Promise<void> {
    const echoes = this.#parts.client[Symbol.asyncIterator]();
    for (let number = 1; number <= ECHOES; number++) {
      await this.#parts.client.write(number, Buffer.alloc((number * 37) % 3_000, number));
      const { value } = await echoes.next();
      if (value?.type !== number) throw new Error(`echo ${value?.type} came in the place of ${number}`);
    }
    await echoes.return?.();
    this.messages += ECHOES;
  }

  /** A server of its own, so that listeners are counted too. */
  async #startAndClose(encryption: boolean): Promise<void> {
    const options = { name: "brief", directory: this.#parts.directory, encryption };
    const server = await startServer(options);
    server.on("message", ({ type, data }) => void server.write(type, data));
    const client = await Visitor.connect(options, false);
    if ((await client.echo(1)) !== 1) throw new Error("the echo of a server that is closed afterwards did not come");
    await client.close();
    await server.close();
    this.messages++;
  }

  async #giveUpReading(): Promise<void> {
    for (let i = 0; i < ABORTED_READS; i++) {
      const giveUp = new AbortController();
      const reading = this.#parts.client.read({ signal: giveUp.signal });
      giveUp.abort();
      await expectCode("IPC_ABORTED", reading);
    }
  }

  async #failToStart(): Promise<void> {
    const place = { directory: this.#parts.directory, retry: false };
    await expectCode("IPC_NO_SERVER", startClient({ name: "absent", ...place }));
    await expectCode("IPC_SERVER_BUSY", startClient({ name: "soak", ...place }));
    await expectCode("IPC_ADDRESS_IN_USE", startServer({ name: "soak", directory: this.#parts.directory }));
  }

  /** Some say nothing, some nonsense, some leave half-way. */
  async #visitByStrangers(): Promise<void> {
    for (const name of ["many.sock", "many_manager.sock"]) {
      for (let i = 0; i < STRANGERS; i++) {
        const stranger = connect(join(this.#parts.directory, name));
        stranger.on("error", () => {}).resume();
        await once(stranger, "connect");
        if (i % 3 === 1) stranger.write(Buffer.alloc(i * 50, i));
        stranger.destroy();
      }
    }
  }

  async #reconnect(): Promise<void> {
    const { reconnects } = this.#parts.client.stats;
    this.#parts.cut();
    await waitUntil("reconnected", () => this.#parts.client.stats.reconnects === reconnects + 1);
  }
}

async function expectCode(code: string, failing: Promise<unknown>): Promise<void> {
  try {
    await failing;
  } catch (error) {
    if (isIpcError(error) && error.code === code) return;
    throw error;
  }
  throw new Error(`${code} was expected`);
}
