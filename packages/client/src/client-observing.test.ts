import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { tcp } from "@ipc/transport";
import { expect, it, onTestFinished } from "vitest";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { startClient } from "./client.js";

const SECRET = "the-secret-payload";

it("node:diagnostics_channel is told of handshakes, connections and their ends, and of no data", async () => {
  const name = "watched";
  const told: { channel: string; news: unknown }[] = [];
  for (const channel of ["ipc:connect", "ipc:disconnect", "ipc:handshake"]) {
    const listener = (news: unknown): void => void told.push({ channel, news });
    subscribe(channel, listener);
    onTestFinished(() => void unsubscribe(channel, listener));
  }
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, name);
  const starting = startClient({ name, directory, retryMs: 1 });
  const session = await far.session();
  const client = untilTestEnds(await starting);
  await session.write(1, SECRET);
  await readData(client);
  await session.close();
  await far.session();
  await readUntil(client, "Connected");
  await client.close();
  const about = { role: "client", name, remote: `${directory}/watched.sock` };
  const security = { mode: "compatible", peer: { psk: false } };
  expect(told).toMatchObject([
    { channel: "ipc:handshake", news: { ...about, security } },
    { channel: "ipc:connect", news: { ...about, security } },
    { channel: "ipc:disconnect", news: { ...about, error: { code: "IPC_CONNECTION_LOST" } } },
    { channel: "ipc:handshake", news: { ...about, security } },
    { channel: "ipc:connect", news: { ...about, security } },
    { channel: "ipc:disconnect", news: { ...about, error: undefined } },
  ]);
  expect(inspect(told, { depth: 9 })).not.toContain(SECRET);
});

it("the option logger is told what happens, and never data or keys", async () => {
  const lines: string[] = [];
  const keep = (...given: unknown[]): void => void lines.push(inspect(given, { depth: 9 }));
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, "logged");
  const logger = { debug: keep, info: keep, warn: keep, error: keep };
  const starting = startClient({ name: "logged", directory, retry: false, logger });
  const session = await far.session();
  const client = untilTestEnds(await starting);
  await client.write(1, SECRET);
  await session.write(1, SECRET);
  await readData(client);
  await far.close();
  session.destroy();
  await readUntil(client, "Error");
  const log = lines.join("\n");
  for (const wanted of ["dialled", "connected to", "(compatible)", "the peer", "no server listens at"]) {
    expect(log).toContain(wanted);
  }
  expect(log).not.toContain(SECRET);
  expect(log).not.toMatch(/Buffer|Uint8Array|KeyObject/);
});

it("remote is the other end's address over TCP", async () => {
  const far = await FarServer.listen(tcp({ port: 0 }), "orders");
  const port = Number(far.address.split(":")[1]);
  const starting = startClient({ name: "orders", transport: tcp({ port }) });
  await far.session();
  expect(untilTestEnds(await starting).remote).toBe(`127.0.0.1:${port}`);
});
