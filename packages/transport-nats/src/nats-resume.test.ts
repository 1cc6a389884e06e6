import { randomBytes } from "node:crypto";
import { type Client, type IpcError, type SessionLostError, startClient } from "@ipc/client";
import { type ServerManager, startServerManager } from "@ipc/manager";
import { expect, onTestFinished, test } from "vitest";
import { CutTransport } from "../../../internal/testkit/src/cut-transport.js";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { connectTo, describeWithBroker, startBroker } from "../test/with-broker.js";
import { type NatsOptions, nats } from "./nats.js";

const CUTS = 20;
const security = { psk: randomBytes(32) };
const resume = { ttlMs: 600_000 };

describeWithBroker("three servers of one name, and a client that resumes", (natsServer) => {
  interface Place {
    readonly client: Client;
    readonly transport: CutTransport;
    readonly servers: readonly ServerManager[];
    /** The messages of each server, in order. */
    readonly got: readonly string[][];
    readonly holder: () => number;
  }

  async function start(options: NatsOptions): Promise<Place> {
    const { url } = await startBroker(natsServer);
    const got: string[][] = [[], [], []];
    const servers = await Promise.all(
      got.map(async (messages) => {
        const transport = nats(await connectTo(url));
        const server = await startServerManager({ name: "orders", transport, security, resume });
        onTestFinished(() => server.close());
        server.on("message", (_connection, message) => {
          messages.push(message.text());
          void message.reply(1, message.data).catch(() => {});
        });
        return server;
      }),
    );
    const transport = new CutTransport(nats(await connectTo(url), options));
    const client = await startClient({ name: "orders", transport, security, resume });
    onTestFinished(() => client.close());
    const holder = () => servers.findIndex(({ connections }) => [...connections].length > 0);
    return { client, transport, servers, got, holder };
  }

  test(`come together again after ${CUTS} cuts at the server that has the session, and nothing is lost or comes twice`, async () => {
    const { client, transport, got, holder } = await start({ returnMs: 600_000 });
    const echoed: string[] = [];
    const lost: unknown[] = [];
    client.on("message", (message) => void echoed.push(message.text()));
    client.on("lost", (error) => void lost.push(error));
    const first = holder();
    const sent: string[] = [];
    const writes: Promise<void>[] = [];
    for (let cut = 0; cut < CUTS; cut++) {
      for (const half of ["before", "after"]) {
        sent.push(`${cut} ${half}`);
        writes.push(client.write(1, `${cut} ${half}`));
        if (half === "before") {
          const resumed = new Promise((resolve) => client.once("resumed", resolve));
          transport.cut();
          await resumed;
        }
      }
    }
    await Promise.all(writes);
    await eventually(() => expect(echoed).toHaveLength(sent.length));
    expect(echoed).toEqual(sent);
    expect(got[first]).toEqual(sent);
    expect(got.flat()).toHaveLength(sent.length);
    expect(lost).toEqual([]);
  });

  test("get a new session at another server when the one that has it is gone, and are told what did not arrive", async () => {
    const { client, transport, servers, got, holder } = await start({ returnMs: 0 });
    const first = holder();
    await client.write(1, "taken", { until: "taken" });
    const lost = new Promise<IpcError>((resolve) => client.once("lost", resolve));
    // Without a listener for messages, a status waits until it is read.
    client.on("message", () => {});
    client.on("status", (status) => {
      if (status === "Reconnecting") void client.write(1, "accepted in between").catch(() => {});
    });
    servers[first]?.destroy();
    transport.cut();
    const error = (await lost) as SessionLostError;
    expect(error).toMatchObject({ code: "IPC_SESSION_LOST", unconfirmed: 0 });
    expect(error.undelivered.map(({ data }) => Buffer.from(data).toString())).toEqual(["accepted in between"]);
    await client.connected();
    await client.write(1, "again", { until: "taken" });
    expect(holder()).not.toBe(first);
    expect(got.flat().sort()).toEqual(["again", "taken"]);
  });
});
