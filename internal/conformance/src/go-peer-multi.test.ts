import { readdir, rm, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY, GoPeer, uniqueName } from "./go-peer.js";
import { payload, type Tally, TallyKeeper } from "./peer-protocol.js";

const FIVE = [1, 2, 3, 4, 5];

/** Each client has messages of a size of its own, so that one that went to another's shows in both tallies. */
const runOf = (id: number) => ({ count: 1_000, size: 64 + id });

function tallyOf({ count, size }: { readonly count: number; readonly size: number }): Tally {
  const expected = new TallyKeeper();
  for (let i = 0; i < count; i++) expected.add(payload(i, size));
  return expected.take();
}

async function filesOf(name: string): Promise<string[]> {
  return (await readdir(GO_DIRECTORY)).filter((file) => file.startsWith(name)).sort();
}

for (const encryption of [true, false]) {
  describeWithGo(`a Go server for many Go clients, ${encryption ? "encrypted" : "plain"}`, (goPeer) => {
    const multi = { encryption, multiClient: true };
    const serverOf = (name: string): GoPeer => new GoPeer(goPeer, { role: "server", name, ...multi });
    const clientOf = (name: string, timeoutMs = 10_000): GoPeer =>
      new GoPeer(goPeer, { role: "client", name, timeoutMs, ...multi });

    /** One after the other: golang-ipc's manager never serves one that dials before it noticed the end of the last. */
    async function startClient(server: GoPeer, client: GoPeer): Promise<void> {
      await client.start();
      await server.managerFree();
    }

    it("serves five at the same time, and nothing is crossed", async ({ onTestFinished }) => {
      const name = uniqueName();
      await using server = serverOf(name);
      const clients = FIVE.map(() => clientOf(name));
      onTestFinished(async () => {
        await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
      });
      await server.start();
      for (const client of clients) await startClient(server, client);
      expect(clients.map(({ clientId }) => clientId)).toEqual(FIVE);

      await Promise.all(
        clients.map(async (client) => {
          const run = runOf(client.clientId);
          await client.echo({ type: client.clientId, count: 100, size: run.size });
          await client.send(run);
          await expect(client.report()).resolves.toMatchObject(tallyOf(run));
        }),
      );
      await Promise.all(
        FIVE.map(async (id) => {
          await server.client(id).echo({ type: id, count: 10, size: 64 + id });
          await server.client(id).send(runOf(id));
        }),
      );
      for (const id of FIVE) {
        await expect(server.client(id).report()).resolves.toMatchObject(tallyOf(runOf(id)));
      }
      expect([server, ...clients].flatMap(({ errors }) => errors)).toEqual([]);
    });

    it("is told of each client's statuses by its id", async () => {
      const name = uniqueName();
      await using server = serverOf(name);
      await using first = clientOf(name);
      await using second = clientOf(name);
      await server.start();
      await startClient(server, first);
      await startClient(server, second);
      await server.client(1).status("Connected");
      await server.client(2).status("Connected");
      await second.close();
      await server.client(2).status("Disconnected");
      await first.echo({ count: 1, size: 64 });
      await server.close();
      await server.client(1).status("Closed");
      await first.status("Reconnecting");
      expect([...server.errors, ...first.errors, ...second.errors]).toEqual([]);
    });

    it("gives a client that starts again the next id", async () => {
      const name = uniqueName();
      await using server = serverOf(name);
      await using client = clientOf(name);
      await server.start();
      for (const id of FIVE) {
        await startClient(server, client);
        expect(client.clientId).toBe(id);
        await client.echo({ count: 1, size: 1_000 });
        await client.send({ count: 3, size: 64 }); // settled by close
        await client.close();
        await server.client(id).status("Disconnected");
      }
      expect([...server.errors, ...client.errors]).toEqual([]);
    });

    it("listens only for its first client when it is started again", async () => {
      const name = uniqueName();
      await using server = serverOf(name);
      await using first = clientOf(name);
      await using second = clientOf(name);
      await server.start();
      await startClient(server, first);
      await startClient(server, second);
      await server.close();
      await first.status("Reconnecting");
      await second.status("Reconnecting");
      await server.start();
      await first.status("Connected");
      await first.echo({ count: 1, size: 64 });
      // No slot for the second, which dials it until its time is up.
      expect(await filesOf(name)).toEqual([`${name}1.sock`, `${name}_manager.sock`]);
    });

    it("is not found where there is none", async () => {
      await using client = clientOf(uniqueName(), 50);
      await expect(client.start()).rejects.toThrow("timed out trying to connect");
      await expect(client.start()).rejects.toThrow("timed out trying to connect");
    });

    it("leaves no sockets behind, and those of other names alone", async () => {
      const name = uniqueName();
      const others = [`${name}1-other.sock`, `${name}_manager2.sock`];
      const stale = [`${name}.sock`, `${name}12.sock`];
      {
        await using server = serverOf(name);
        await using first = clientOf(name);
        await using second = clientOf(name);
        await server.start();
        await startClient(server, first);
        await startClient(server, second);
        expect(await filesOf(name)).toEqual([`${name}1.sock`, `${name}2.sock`, `${name}_manager.sock`]);
        for (const file of [...others, ...stale]) await writeFile(`${GO_DIRECTORY}/${file}`, "");
      }
      expect(await filesOf(name)).toEqual(others);
      for (const file of others) await rm(`${GO_DIRECTORY}/${file}`);
    });
  });
}

describeWithGo("go-peer", (goPeer) => {
  it("refuses to bridge a server for many clients", async () => {
    const options = { role: "server", encryption: false, multiClient: true, bridgeTcp: "127.0.0.1:0" } as const;
    await using peer = new GoPeer(goPeer, { ...options, name: uniqueName() });
    await expect(peer.bridge()).rejects.toThrow("--multi goes with");
  });
});
