import { setTimeout } from "node:timers/promises";
import { type Client, type ClientOptions, startClient } from "@ipc/client";
import { expect, it } from "vitest";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY, GoPeer, uniqueName } from "./go-peer.js";
import { OurEnd } from "./our-end.js";
import { tallyOf } from "./peer-protocol.js";

const directory = GO_DIRECTORY;
const LONG = { timeout: 60_000 };
const MESSAGES = 200;
const ROUNDS = 3;
/** Between two garbage collections of the Go process. */
const COLLECTION_PAUSE_MS = 20;

for (const encryption of [true, false]) {
  describeWithGo(`our clients of a Go server for many, ${encryption ? "encrypted" : "plain"}`, (goPeer) => {
    const goServer = (name: string): GoPeer =>
      new GoPeer(goPeer, { role: "server", name, encryption, multiClient: true });

    /** A handshake that the client gives up while golang-ipc is at it ends the listener of that server for good. */
    const connect = (name: string, more: Partial<ClientOptions> = {}): Promise<Client> =>
      startClient({ name, directory, encryption, multiClient: true, ...more });

    /** Talks both ways; each client in messages of a length of its own. */
    async function converse(go: GoPeer, client: Client, end = new OurEnd(client)): Promise<void> {
      const id = client.clientId as number;
      const size = 64 + id;
      await end.echo({ type: id, count: 20, size });
      await end.send({ count: MESSAGES, size });
      expect(await end.report()).toMatchObject(tallyOf({ count: MESSAGES, size }));
      await go.client(id).send({ count: MESSAGES, size });
      expect(await go.client(id).report()).toMatchObject(tallyOf({ count: MESSAGES, size }));
      expect([...end.lengths]).toEqual([size]);
    }

    it("connect one after another, each at a slot of its own", async () => {
      const name = uniqueName();
      await using go = goServer(name);
      await go.start();
      let last = 0;
      for (let round = 0; round < ROUNDS; round++) {
        await using client = await connect(name);
        const id = client.clientId as number;
        // golang-ipc tells an id before it listens: a client that comes too early asks for another one.
        expect(id).toBeGreaterThan(last);
        last = id;
        expect(client.remote).toBe(`${directory}/${name}${id}.sock`);
        expect(client.security.mode).toBe(encryption ? "compatible" : "plain");
        await converse(go, client);
        await client.close();
        await go.client(id).status("Disconnected");
        await go.managerFree();
      }
      expect(go.errors).toEqual([]);
    });

    it("exchange messages at the same time, and none gets those of another", LONG, async ({ onTestFinished }) => {
      const name = uniqueName();
      await using go = goServer(name);
      await go.start();
      const clients: Client[] = [];
      onTestFinished(() => {
        for (const client of clients) client.destroy();
      });
      for (let n = 0; n < 4; n++) {
        clients.push(await connect(name));
        await go.managerFree();
      }
      await Promise.all(clients.map((client) => converse(go, client)));
      expect(go.errors).toEqual([]);
    });

    it(
      "that ask for an id at the same time ask again when they get none, until both are connected",
      LONG,
      async ({ onTestFinished }) => {
        const name = uniqueName();
        await using go = goServer(name);
        await go.start();
        let isOver = false;
        const controller = new AbortController();
        onTestFinished(() => {
          isOver = true;
          controller.abort();
        });
        const connecting = Promise.all([1, 2].map(() => connect(name, { signal: controller.signal })));
        // Handled at once, because a collection may fail first.
        const done = (): void => {
          isOver = true;
        };
        connecting.then(done, done);
        while (!isOver) {
          await go.closeForgotten();
          await setTimeout(COLLECTION_PAUSE_MS);
        }
        const clients = await connecting;
        expect(new Set(clients.map(({ clientId }) => clientId)).size).toBe(2);
        await Promise.all(clients.map((client) => converse(go, client)));
        expect(go.errors).toEqual([]);
      },
    );

    it("fail after their own time limit while a pending stream holds the manager's endpoint", async () => {
      const name = uniqueName();
      await using go = goServer(name);
      await go.start();
      // It shakes hands there as a client of ours would, and does not leave.
      await using holder = await startClient({ name: `${name}_manager`, directory, encryption });
      const impatient = { handshakeTimeoutMs: 100, retry: false };
      await expect(connect(name, impatient)).rejects.toMatchObject({ code: "IPC_HANDSHAKE_TIMEOUT" });
      await expect(connect(name, { timeoutMs: 300 })).rejects.toMatchObject({ code: "IPC_TIMED_OUT" });
      await holder.close();
      await go.managerFree();
      await using client = await connect(name);
      await converse(go, client);
    });

    it("reconnect by themselves to a server that was started again", LONG, async () => {
      const name = uniqueName();
      await using go = goServer(name);
      await go.start();
      await using client = await connect(name);
      const end = new OurEnd(client);
      for (let round = 0; round < ROUNDS; round++) {
        await end.echo({ count: 3, size: 1_000 });
        await go.close();
        await end.status("Reconnecting");
        await go.start();
        await end.status("Connected");
      }
      await end.echo({ count: 3, size: 1_000 });
      expect(client.stats.reconnects).toBe(ROUNDS);
    });
  });
}
