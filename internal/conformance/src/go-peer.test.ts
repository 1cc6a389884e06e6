import { readdir, rm, writeFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY, GoPeer, uniqueName } from "./go-peer.js";
import { tallyOf } from "./peer-protocol.js";

const MANY = { count: 1_000, size: 64 };

async function filesOf(name: string): Promise<string[]> {
  return (await readdir(GO_DIRECTORY)).filter((file) => file.startsWith(name)).sort();
}

for (const encryption of [true, false]) {
  describeWithGo(`Go against Go, ${encryption ? "encrypted" : "plain"}:`, (goPeer) => {
    const multi = { encryption, multiClient: true };
    const serverOf = (name: string): GoPeer => new GoPeer(goPeer, { role: "server", name, ...multi });
    const clientOf = (name: string, timeoutMs = 10_000): GoPeer =>
      new GoPeer(goPeer, { role: "client", name, timeoutMs, ...multi });

    /** One after the other: golang-ipc's manager never serves one that dials before it noticed the end of the last. */
    async function startClient(server: GoPeer, client: GoPeer): Promise<void> {
      await client.start();
      await server.managerFree();
    }

    it("a client and a server talk both ways, and reconnect in an orderly way", async () => {
      const name = uniqueName();
      await using server = new GoPeer(goPeer, { role: "server", name, encryption });
      await using client = new GoPeer(goPeer, { role: "client", name, encryption });
      await server.start();
      for (let round = 0; round < 3; round++) {
        await client.start();
        await server.status("Connected");
        await expect(client.echo({ count: 2, size: 65_536 })).resolves.toMatchObject({ count: 2, bytes: 131_072 });
        // A Go server whose client has reconnected sends out of order.
        for (const end of round === 0 ? [client, server] : [client]) {
          await end.send(MANY);
          await expect(end.report()).resolves.toMatchObject(tallyOf(MANY));
        }
        await client.close();
        await server.status("Disconnected"); // a Go server dialled earlier accepts and never serves
      }
      expect([...server.errors, ...client.errors]).toEqual([]);
    });

    it("a server for many gives a client that starts again the next id, and reports its statuses under that id", async () => {
      const name = uniqueName();
      await using server = serverOf(name);
      await using client = clientOf(name);
      await server.start();
      for (const id of [1, 2, 3]) {
        await startClient(server, client);
        expect(client.clientId).toBe(id);
        await server.client(id).echo({ type: id, count: 10, size: 64 + id });
        await client.send({ count: 3, size: 64 }); // settled by close
        await client.close();
        await server.client(id).status("Disconnected");
      }
      expect([...server.errors, ...client.errors]).toEqual([]);
    });

    it("a server for many listens only for its first client when it is started again", async () => {
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

    it("a client without a server times out", async () => {
      await using client = clientOf(uniqueName(), 50);
      await expect(client.start()).rejects.toThrow("timed out trying to connect");
      await expect(client.start()).rejects.toThrow("timed out trying to connect");
    });

    it("a server for many removes its own sockets, and no socket of another name", async () => {
      const name = uniqueName();
      const others = [`${name}1-other.sock`, `${name}_manager2.sock`];
      const stale = [`${name}.sock`, `${name}12.sock`];
      {
        await using server = serverOf(name);
        await using client = clientOf(name);
        await server.start();
        await startClient(server, client);
        expect(await filesOf(name)).toEqual([`${name}1.sock`, `${name}_manager.sock`]);
        for (const file of [...others, ...stale]) await writeFile(`${GO_DIRECTORY}/${file}`, "");
      }
      expect(await filesOf(name)).toEqual(others);
      for (const file of others) await rm(`${GO_DIRECTORY}/${file}`);
    });
  });
}
