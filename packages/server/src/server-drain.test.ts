import { describe, expect, it } from "vitest";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { nextEvent, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { name, serve } from "../test/served.js";
import { startServer } from "./server.js";

const FOREVER_MS = 1_000_000;

describe("stopAccepting of a server", () => {
  it("frees the name for the next server, and keeps the connected client", async () => {
    const { server, directory } = await serve();
    const client = await openFarClient(directory, name);
    await readUntil(server, "Connected");
    await server.stopAccepting();
    const next = untilTestEnds(await startServer({ name, directory }));
    await client.write(1, "a");
    expect(await readUntil(server, "a")).toEqual(["a"]);
    expect(next.address).toBe(server.address);
    await server.close();
  });
});

describe("drain of a server", () => {
  it("closes the server at once without a client", async () => {
    const { server } = await serve();
    await server.drain({ timeoutMs: FOREVER_MS });
    expect(server.status).toBe("Closed");
  });

  it("ends a handshake that is in progress", async () => {
    const { server } = await serve();
    const refused = nextEvent(server, "refused");
    const stranger = await RawPeer.connect(server.address);
    await stranger.read(2);
    await server.drain({ timeoutMs: FOREVER_MS });
    await stranger.gone;
    expect(await refused).toMatchObject({ code: "IPC_CLOSED" });
  });

  it("reads all messages of a flood slowly before it closes", async () => {
    const { server, directory } = await serve();
    const client = await openFarClient(directory, name);
    const ended = nextEvent(client, "close");
    let [count, started] = [0, false];
    const writing = (async () => {
      // More than the kernel and the server hold.
      for (let index = 0; index < 400; index++) await client.write(1, new Uint8Array(10_000));
      await client.flush();
    })();
    let drained: Promise<void> | undefined;
    for await (const _message of server) {
      count++;
      if (!started) {
        started = true;
        drained = server.drain({ timeoutMs: FOREVER_MS });
      }
      if (count % 40 === 0) for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all([drained, writing, ended]);
    expect(count).toBe(400);
  });
});
