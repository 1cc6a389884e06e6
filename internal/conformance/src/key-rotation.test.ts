import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Client, type ClientOptions, startClient } from "@ipc/client";
import { type ServerManager, startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { expect, it } from "vitest";
import { eventually } from "../../testkit/src/eventually.js";
import { collect, nextEvent, readUntil } from "../../testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY, GoPeer, uniqueName } from "./go-peer.js";
import { OurEnd } from "./our-end.js";

const name = "orders";
const [older, newer] = [1, 2].map((fill) => new Uint8Array(32).fill(fill)) as [Uint8Array, Uint8Array];
const REFUSED = "IPC_SECURITY_REFUSED";

/** Echoes what comes from any client. */
function echo(manager: ServerManager): void {
  manager.on("message", (connection, { type, data }) => void connection.write(type, data));
}

async function start(options: ClientOptions): Promise<{ client: Client; end: OurEnd }> {
  const client = untilTestEnds(await startClient(options));
  return { client, end: new OurEnd(client) };
}

it("of twenty clients of a manager, at its name and at slots, those lose it whose key is withdrawn, until it is back", async () => {
  const directory = temporaryDirectory();
  const manager = untilTestEnds(await startServerManager({ name, directory, security: { psk: [older, newer] } }));
  echo(manager);
  const peers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => {
      const psk = index % 2 === 0 ? older : newer;
      return start({ name, directory, multiClient: index % 4 < 2, security: { psk } });
    }),
  );
  const exchange = (which: typeof peers): Promise<unknown> =>
    Promise.all(which.map(({ end }) => end.echo({ count: 3, size: 500 })));
  await exchange(peers);
  const [withdrawn, kept] = [0, 1].map((rest) => peers.filter((_, index) => index % 2 === rest)) as [
    typeof peers,
    typeof peers,
  ];
  const ended: unknown[] = [];
  manager.on("disconnection", (_connection, error) => void ended.push(error?.code));
  const refused = collect(manager, "refused");
  const lost = withdrawn.map(({ client }) => nextEvent(client, "lost"));
  const running = exchange(kept);

  manager.updateSecurity({ psk: newer });
  expect(ended).toEqual(new Array(10).fill(REFUSED));
  for (const error of await Promise.all(lost)) expect(error).toMatchObject({ code: REFUSED });
  await running;
  await exchange(kept);
  expect(kept.map(({ client }) => [client.status, client.stats.reconnects])).toEqual(
    new Array(10).fill(["Connected", 0]),
  );
  // They go on redialling, and are not served.
  await eventually(() => expect(refused.length).toBeGreaterThan(10));
  expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(["IPC_AUTHENTICATION_FAILED"]));
  expect(withdrawn.map(({ client }) => client.status)).toEqual(new Array(10).fill("Reconnecting"));
  expect(manager.connections.size).toBe(10);

  manager.updateSecurity({ psk: [newer, older] });
  await Promise.all(withdrawn.map(({ client }) => client.connected()));
  await exchange(peers);
  expect(manager.connections.size).toBe(20);
});

it("a client with a key file is back with the new key once the server has read it again, and only then", async () => {
  const directory = temporaryDirectory();
  const keyFile = join(directory, "shared.key");
  const security = { keyFile };
  const server = untilTestEnds(await startServer({ name, directory, security }));
  const client = untilTestEnds(await startClient({ name, directory, security }));
  await readUntil(server, "Connected");
  rmSync(keyFile);
  writeFileSync(keyFile, newer, { mode: 0o600 });
  await client.write(1, "as before");
  expect(await readUntil(server, "as before")).toEqual(["as before"]);
  const lost = [nextEvent(client, "lost"), nextEvent(server, "lost")];
  server.updateSecurity(security);
  expect((await Promise.all(lost)).map(({ code }) => code)).toEqual([REFUSED, REFUSED]);
  await client.connected();
  await client.write(1, "with the new key");
  expect(await readUntil(server, "with the new key")).toEqual(["Disconnected", "Connected", "with the new key"]);
  // Nothing has changed since.
  server.updateSecurity(security);
  await client.write(1, "again");
  expect(await readUntil(server, "again")).toEqual(["again"]);
  expect([client.stats.reconnects, client.security.peer.psk]).toEqual([1, true]);
});

it("a client that dials once ends when its key is withdrawn, with the reason of the refused dial", async () => {
  const directory = temporaryDirectory();
  const server = untilTestEnds(await startServer({ name, directory, security: { psk: older } }));
  const client = untilTestEnds(await startClient({ name, directory, retry: false, security: { psk: older } }));
  const [lost, error] = [nextEvent(client, "lost"), nextEvent(client, "error")];
  await readUntil(server, "Connected");
  server.updateSecurity({ psk: newer });
  expect([(await lost).code, (await error).code]).toEqual([REFUSED, "IPC_AUTHENTICATION_FAILED"]);
});

describeWithGo("the keys of our manager are replaced under a Go client", (goPeer) => {
  it.each([
    ["at its name", false],
    ["at its slot", true],
  ])("%s: it has proved none, and stays", async (_what, multiClient) => {
    const [goName, directory] = [uniqueName(), GO_DIRECTORY];
    const security = { psk: older, require: false };
    await using manager = await startServerManager({ name: goName, directory, security });
    echo(manager);
    await using go = new GoPeer(goPeer, { role: "client", name: goName, encryption: true, multiClient });
    await go.start();
    await go.echo({ count: 10, size: 1_000 });
    // These tests run at the same time, each with its own scope.
    await using client = await startClient({ name: goName, directory, security: { psk: older } });
    const lost = nextEvent(client, "lost");
    manager.updateSecurity({ psk: newer, require: false });
    expect((await lost).code).toBe(REFUSED);
    await go.echo({ count: 10, size: 1_000 });
    expect([...manager.connections.values()].map((each) => each.security.mode)).toEqual(["compatible"]);
    client.destroy();
    await go.close();
  });
});
