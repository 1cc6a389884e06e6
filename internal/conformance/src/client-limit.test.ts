import { startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { memory } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { failureOf, readData, readUntil } from "../../testkit/src/peer-watch.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const LIMIT = 2_048;
const TOO_LARGE = { code: "IPC_MESSAGE_TOO_LARGE" };

describe.each([
  ["with encryption", true],
  ["without encryption", false],
])("a client that takes less than its server sends, %s,", (_what, encryption) => {
  it("gets no message over its limit: the write is rejected at once, and the connection goes on", async () => {
    const transport = memory();
    const server = untilTestEnds(await startServer({ name: "orders", transport, encryption }));
    const client = untilTestEnds(
      await startClient({ name: "orders", transport, encryption, maxMessageSize: LIMIT, retryMs: 1 }),
    );
    await readUntil(server, "Connected");
    expect(await failureOf(server.write(1, new Uint8Array(LIMIT + 1)))).toMatchObject({
      ...TOO_LARGE,
      message: expect.stringContaining(`${LIMIT + 1} bytes, limit ${LIMIT}`),
    });
    await server.write(1, new Uint8Array(LIMIT));
    expect((await readData(client)).data).toHaveLength(LIMIT);
    // The other direction has the server's limit.
    await client.write(1, new Uint8Array(100_000));
    expect((await readData(server)).data).toHaveLength(100_000);
    expect(client.stats.reconnects).toBe(0);
  });

  it.each([LIMIT + 1, 100_000])("is among the failed of a broadcast of %i bytes, whatever `slow` is", async (size) => {
    const transport = memory();
    const manager = untilTestEnds(await startServerManager({ name: "orders", transport, encryption }));
    const small = untilTestEnds(await startClient({ name: "orders", transport, encryption, maxMessageSize: LIMIT }));
    const large = untilTestEnds(await startClient({ name: "orders", transport, encryption }));
    while (manager.connections.size < 2) await new Promise((resolve) => setImmediate(resolve));
    for (const slow of ["wait", "skip", "disconnect"] as const) {
      const { accepted, skipped, failed } = await manager.broadcast(1, new Uint8Array(size), { slow });
      expect([accepted.length, skipped.length]).toEqual([1, 0]);
      expect(failed.map(({ error }) => error)).toMatchObject([TOO_LARGE]);
      expect((await readData(large)).data).toHaveLength(size);
    }
    expect([small.status, manager.connections.size]).toEqual(["Connected", 2]);
  });
});

it("a client that announces more than its server sends gets the server's limit", async () => {
  const transport = memory();
  const server = untilTestEnds(await startServer({ name: "orders", transport, maxMessageSize: LIMIT }));
  untilTestEnds(await startClient({ name: "orders", transport }));
  await readUntil(server, "Connected");
  expect(await failureOf(server.write(1, new Uint8Array(LIMIT + 1)))).toMatchObject(TOO_LARGE);
});

it("a client in golang-ipc's protocol announces no limit", async () => {
  const transport = memory();
  const server = untilTestEnds(await startServer({ name: "orders", transport }));
  const wire = { security: { wire: "golang-ipc" } } as const;
  const client = untilTestEnds(await startClient({ name: "orders", transport, maxMessageSize: LIMIT, ...wire }));
  const lost = new Promise((resolve) => client.once("lost", resolve));
  await readUntil(server, "Connected");
  await server.write(1, new Uint8Array(LIMIT + 1));
  expect(await lost).toMatchObject({ code: "IPC_FRAME_TOO_LARGE" });
});
