import { Duplex } from "node:stream";
import { type Client, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { type ServerOptions, startServer } from "@ipc/server";
import { type Listener, memoryPair, type Transport, TransportError } from "@ipc/transport";
import { expect, it } from "vitest";
import { CutTransport } from "../../testkit/src/cut-transport.js";
import { eventually } from "../../testkit/src/eventually.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";
/** A client that comes back writes its reply, its public key, its AUTH, and then its RESUME. */
const RESUME_CHUNK = 4;

/** Paths over memory streams to one listener. What clients send from their RESUME on can be held. */
class HeldNetwork {
  readonly #held: (() => void)[] = [];
  #accept: (stream: Duplex) => void = () => {};
  isHolding = false;

  readonly transport: Transport = {
    address: () => "held",
    listen: async (_name, _endpoint, onStream): Promise<Listener> => {
      this.#accept = onStream;
      return { address: "held", close: async () => {}, ref() {}, unref() {} };
    },
    dial: async () => {
      const [client, near] = memoryPair();
      // Emits what it is given at once, so that two of them can do so without a step in between.
      const server = new Duplex({
        read() {},
        write(chunk, _encoding, done) {
          near.write(chunk, done);
        },
        final: (done) => void near.end(done),
      });
      let chunks = 0;
      near.on("data", (chunk) => {
        const pass = (): void => void server.push(chunk);
        if (this.isHolding && ++chunks >= RESUME_CHUNK) this.#held.push(pass);
        else pass();
      });
      near.on("close", () => server.destroy());
      server.on("close", () => near.destroy());
      setImmediate(() => this.#accept(server));
      return client;
    },
  };

  get held(): number {
    return this.#held.length;
  }

  /** Lets everything go that is held, at once. */
  release(): void {
    this.isHolding = false;
    for (const pass of this.#held.splice(0)) pass();
  }
}

/** The path of one client, which can be cut: then it stays down, so that this client does not come back before it may. */
class Path {
  readonly transport: Transport;
  #stream: Duplex | undefined;
  isDown = false;

  constructor({ transport }: HeldNetwork) {
    this.transport = {
      ...transport,
      dial: async (...dial) => {
        if (this.isDown) throw new TransportError("IPC_NO_SERVER", "the path is down");
        this.#stream = await transport.dial(...dial);
        return this.#stream;
      },
    };
  }

  cut(): void {
    this.isDown = true;
    this.#stream?.destroy();
  }
}

it("a manager with one place gives it to one of two clients that come back at the same moment, and then to the other", async () => {
  const network = new HeldNetwork();
  const { transport } = network;
  const paths = [new Path(network), new Path(network)];
  const manager = untilTestEnds(await startServerManager({ name, transport, resume: true, maxConnections: 1 }));
  let most = 0;
  const note = (): void => {
    most = Math.max(most, manager.stats.connections - manager.stats.detached);
  };
  const texts: string[] = [];
  manager.on("connection", (connection) => connection.on("status", note));
  manager.on("message", (_connection, message) => void texts.push(message.text()));
  const clients: Client[] = [];
  for (const path of paths) {
    const client = untilTestEnds(await startClient({ name, transport: path.transport, resume: true, retryMs: 1 }));
    clients.push(client);
    await eventually(() => expect(manager.stats.connections).toBe(clients.length));
    path.cut();
    await eventually(() => expect(manager.stats.detached).toBe(clients.length));
    await client.write(1, clients.length === 1 ? "a" : "b");
  }
  network.isHolding = true;
  for (const path of paths) path.isDown = false;
  await eventually(() => expect(network.held).toBe(2));
  network.release();
  await eventually(() => expect(texts).toHaveLength(1));
  expect([most, manager.stats]).toMatchObject([1, { connections: 2, detached: 1 }]);
  await clients[texts[0] === "a" ? 0 : 1]?.close();
  await eventually(() => expect(texts.toSorted()).toEqual(["a", "b"]));
  expect(most).toBe(1);
});

interface Full {
  /** The codes of the clients that it has refused, and the texts that it has received. */
  readonly refused: readonly string[];
  readonly texts: readonly string[];
  readonly destroy: () => void;
}

const fulls = [
  [
    "a server",
    async (options: ServerOptions): Promise<Full> => {
      const refused: string[] = [];
      const texts: string[] = [];
      const server = untilTestEnds(await startServer(options));
      server.on("refused", ({ code }) => void refused.push(code));
      server.on("message", (message) => void texts.push(message.text()));
      return { refused, texts, destroy: () => server.destroy() };
    },
  ],
  [
    "a full manager",
    async (options: ServerOptions): Promise<Full> => {
      const refused: string[] = [];
      const texts: string[] = [];
      const manager = untilTestEnds(await startServerManager({ ...options, maxConnections: 1 }));
      manager.on("refused", ({ code }) => void refused.push(code));
      manager.on("message", (_connection, message) => void texts.push(message.text()));
      return { refused, texts, destroy: () => manager.destroy() };
    },
  ],
] as const;

it.each(fulls)("%s keeps the place of a client that is back at the same moment as a stranger", async (_what, start) => {
  const network = new HeldNetwork();
  const { transport } = network;
  const options = { name, transport, resume: true };
  // A client of an earlier server is a stranger here: its session is unknown.
  const path = new Path(network);
  const earlier = await start(options);
  const stranger = untilTestEnds(await startClient({ ...options, transport: path.transport, retryMs: 1 }));
  path.cut();
  earlier.destroy();
  await eventually(() => expect(stranger.status).toBe("Reconnecting"));

  const { refused, texts } = await start(options);
  const own = new CutTransport(transport);
  const client = untilTestEnds(await startClient({ ...options, transport: own, retryMs: 1 }));
  const lost: string[] = [];
  client.on("lost", ({ code }) => void lost.push(code));
  network.isHolding = true;
  path.isDown = false;
  await eventually(() => expect(network.held).toBe(1));
  own.halfOpen();
  await eventually(() => expect(network.held).toBe(2));
  // The stranger stays away once it is refused.
  path.isDown = true;
  network.release();
  await client.write(1, "back");
  await eventually(() => expect(texts).toEqual(["back"]));
  expect([client.stats.resumes, client.stats.reconnects, lost, refused]).toEqual([1, 0, [], ["IPC_SERVER_BUSY"]]);
});
