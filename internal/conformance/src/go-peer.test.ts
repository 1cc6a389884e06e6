import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY, GoPeer, uniqueName } from "./go-peer.js";
import { payload, TallyKeeper } from "./peer-protocol.js";

const MAX_MESSAGE_SIZE = 3_145_728;

for (const encryption of [true, false]) {
  describeWithGo(`Go client and Go server, ${encryption ? "encrypted" : "plain"}`, (goPeer) => {
    it.for([0, 1, 65_536, MAX_MESSAGE_SIZE])("echoes %i bytes", async (size) => {
      const name = uniqueName();
      await using server = new GoPeer(goPeer, { role: "server", name, encryption });
      await using client = new GoPeer(goPeer, { role: "client", name, encryption });
      await server.start();
      await client.start();
      await expect(client.echo({ count: 2, size })).resolves.toMatchObject({ count: 2, bytes: 2 * size });
      await client.close();
      await server.status("Disconnected");
      expect([...server.errors, ...client.errors]).toEqual([]);
    });

    it("counts 10 000 one-way messages each way", async () => {
      const name = uniqueName();
      const expected = new TallyKeeper();
      for (let i = 0; i < 10_000; i++) expected.add(payload(i, 64));
      const tally = expected.take();
      await using server = new GoPeer(goPeer, { role: "server", name, encryption });
      await using client = new GoPeer(goPeer, { role: "client", name, encryption });
      await server.start();
      await client.start();
      await expect(client.send({ count: 10_000, size: 64 })).resolves.toMatchObject(tally);
      await expect(client.report()).resolves.toMatchObject(tally);
      await server.send({ count: 10_000, size: 64 });
      await expect(server.report()).resolves.toMatchObject(tally);
    });

    it("reconnects in an orderly way, ten times", async () => {
      const name = uniqueName();
      await using server = new GoPeer(goPeer, { role: "server", name, encryption });
      await using client = new GoPeer(goPeer, { role: "client", name, encryption });
      await server.start();
      for (let round = 0; round < 10; round++) {
        await client.start();
        await server.status("Connected");
        await client.echo({ count: 1, size: 1_000 });
        await client.send({ count: 3, size: 64 }); // settled by close
        await client.close();
        await server.status("Disconnected"); // a Go server dialled earlier accepts and never serves
      }
      expect([...server.errors, ...client.errors]).toEqual([]);
    });

    it("comes back by itself to a server that was started again", async () => {
      const name = uniqueName();
      await using server = new GoPeer(goPeer, { role: "server", name, encryption });
      await using client = new GoPeer(goPeer, { role: "client", name, encryption });
      await server.start();
      await client.start();
      await client.echo({ count: 1, size: 64 });
      await server.close();
      await client.status("Reconnecting");
      await server.start();
      await client.status("Connected");
      await client.echo({ count: 1, size: 64 });
    });

    it("bridges both ends over TCP", async () => {
      const [near, far] = [uniqueName(), uniqueName()];
      await using server = new GoPeer(goPeer, { role: "server", name: far, encryption, bridgeTcp: "127.0.0.1:0" });
      await server.start();
      const bridgeTcp = await server.bridge();
      await using client = new GoPeer(goPeer, { role: "client", name: near, encryption, bridgeTcp });
      await client.start();
      await client.echo({ count: 2, size: 65_536 });
      await client.close();
      await server.status("Disconnected");
    });

    it("refuses a message over the limit", async () => {
      const name = uniqueName();
      await using server = new GoPeer(goPeer, { role: "server", name, encryption, maxMessageSize: 2_048 });
      await using client = new GoPeer(goPeer, { role: "client", name, encryption });
      await server.start();
      await client.start();
      await client.echo({ count: 1, size: 2_048 });
      await expect(client.send({ count: 1, size: 2_049 })).rejects.toThrow("message exceeds maximum message length");
    });

    it("measures its throughput", async () => {
      const flags = ["--role", "throughput", "--count", "1000", `--encryption=${encryption}`];
      const { stdout } = await promisify(execFile)(goPeer, flags);
      expect(JSON.parse(stdout)).toMatchObject({ event: "throughput", result: { encryption, count: 1_000, size: 64 } });
    });

    it("reports a server that is not there, and leaves no socket behind", async () => {
      const name = uniqueName();
      {
        await using server = new GoPeer(goPeer, { role: "server", name, encryption });
        await using client = new GoPeer(goPeer, { role: "client", name: `${name}-other`, encryption, timeoutMs: 50 });
        await server.start();
        await expect(client.start()).rejects.toThrow("timed out trying to connect");
      }
      await expect(access(`${GO_DIRECTORY}/${name}.sock`)).rejects.toThrow("ENOENT");
    });
  });
}
