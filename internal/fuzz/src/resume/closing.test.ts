import { type Client, startClient } from "@ipc/client";
import { type Server, startServer } from "@ipc/server";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../testkit/src/eventually.js";
import { untilTestEnds } from "../../../testkit/src/until-test-ends.js";
import { FaultyNetwork } from "./faulty-network.js";

/** The length of the record with GOAWAY. */
const GOAWAY_BYTES = 46;

interface Scene {
  readonly network: FaultyNetwork;
  readonly client: Client;
  readonly server: Server;
}

async function start(): Promise<Scene> {
  const network = new FaultyNetwork();
  const options = { name: "closing", transport: network.transport, resume: true };
  const server = untilTestEnds(await startServer(options));
  const client = untilTestEnds(await startClient({ ...options, retryMs: 1 }));
  await eventually(() => expect(server.status).toBe("Connected"));
  return { network, client, server };
}

/** Lets the client take one message, which it has not acknowledged when this returns. */
async function takeOne({ client, server }: Scene): Promise<void> {
  const taken = new Promise((resolve) => client.on("message", resolve));
  await server.write(1, "a");
  await taken;
}

describe("a client that closes when it has taken everything", () => {
  it("lets its server close right after it", async () => {
    const scene = await start();
    await takeOne(scene);
    await scene.client.close();
    await scene.server.close();
  });

  it("has told its counts, and its server waits for it no more, when it is cut behind its announcement", async () => {
    const scene = await start();
    const { client, server, network } = scene;
    await takeOne(scene);
    const lost: unknown[] = [];
    server.on("lost", (error) => lost.push(error));
    network.fail({ kind: "cut", direction: "toServer", bytes: GOAWAY_BYTES }, false);
    await client.close().catch(() => {});
    await eventually(() => expect(server.status).toBe("Disconnected"));
    expect(lost).toEqual([]);
    await server.close();
  });
});
