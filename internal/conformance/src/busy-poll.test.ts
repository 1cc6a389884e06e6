import { setTimeout as sleepingTurn } from "node:timers/promises";
import { type Client, type ClientOptions, startClient } from "@ipc/client";
import { type Server, type ServerOptions, startServer } from "@ipc/server";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { readData, readUntil } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

/** Counts the immediates that keep the event loop from sleeping, seen from a timer: the turn's own immediates are over. */
async function pendingImmediates(): Promise<number> {
  await sleepingTurn(0);
  return process.getActiveResourcesInfo().filter((resource) => resource === "Immediate").length;
}

async function connect(
  ofClient: Partial<ClientOptions>,
  ofServer: Partial<ServerOptions>,
): Promise<{ readonly client: Client; readonly server: Server }> {
  const directory = temporaryDirectory();
  const server = untilTestEnds(await startServer({ name, directory, ...ofServer }));
  const client = untilTestEnds(await startClient({ name, directory, ...ofClient }));
  for (const peer of [client, server]) await readUntil(peer, "Connected");
  return { client, server };
}

describe.each([
  ["secure", {}],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["plain", { encryption: false }],
] as const)("client and server that poll, %s", (_mode, common) => {
  it("exchange messages of every size both ways, close, and leave nothing that keeps the loop awake", async () => {
    const options = { ...common, busyPollUs: 1_000 };
    const { client, server } = await connect(options, options);
    for (const length of [0, 64, 5_000, 500_000]) {
      const data = Buffer.alloc(length, length & 0xff);
      await client.write(1, data);
      await server.write(2, (await readData(server)).data);
      expect(data.equals((await readData(client)).data)).toBe(true);
    }
    await client.close();
    await readUntil(server, "Disconnected");
    await server.close();
    expect([client.status, server.status]).toEqual(["Closed", "Closed"]);
    await eventually(async () => expect(await pendingImmediates()).toBe(0));
  });
});

describe("after a write, while the clock stands", () => {
  it.each([
    ["client", 1, [true, false]],
    ["server", 1, [false, true]],
    ["one that does not poll", 0, [false, false]],
  ] as const)("keeps the loop from sleeping only where polling is on: %s", async (side, busyPollUs, keeps) => {
    const { client, server } = await connect(
      side === "client" ? { busyPollUs } : {},
      side === "server" ? { busyPollUs } : {},
    );
    await eventually(async () => expect(await pendingImmediates()).toBe(0));
    const now = performance.now();
    for (const [index, peer] of [client, server].entries()) {
      const clock = vi.spyOn(performance, "now").mockReturnValue(now + index);
      onTestFinished(() => clock.mockRestore());
      await peer.write(1, "anybody there?");
      await readData(peer === client ? server : client);
      const pending: number[] = [];
      for (let turn = 0; turn < 5; turn++) pending.push(await pendingImmediates());
      expect(Math.min(...pending) > 0).toBe(keeps[index]);
      clock.mockRestore();
      await eventually(async () => expect(await pendingImmediates()).toBe(0));
    }
  });
});
