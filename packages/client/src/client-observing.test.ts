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
const PSK = Buffer.alloc(32, 0x77);

it.each([
  ["secure", {}],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["plain", { encryption: false }],
] as const)(
  "node:diagnostics_channel gets events for %s handshakes, connections and their ends, and no data",
  async (mode, options) => {
    const name = "watched";
    const told: { channel: string; news: unknown }[] = [];
    for (const channel of ["ipc:connect", "ipc:disconnect", "ipc:handshake"]) {
      const listener = (news: unknown): void => void told.push({ channel, news });
      subscribe(channel, listener);
      onTestFinished(() => void unsubscribe(channel, listener));
    }
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, name);
    const starting = startClient({ name, directory, retryMs: 1, ...options });
    const session = await far.session(options);
    const client = untilTestEnds(await starting);
    await session.write(1, SECRET);
    await readData(client);
    await session.close();
    await far.session(options);
    await readUntil(client, "Connected");
    await client.close();
    const about = { role: "client", name, remote: `${directory}/watched.sock` };
    const security = { mode, peer: { psk: false } };
    expect(told).toMatchObject([
      { channel: "ipc:handshake", news: { ...about, security } },
      { channel: "ipc:connect", news: { ...about, security } },
      { channel: "ipc:disconnect", news: { ...about, error: { code: "IPC_PEER_CLOSED" } } },
      { channel: "ipc:handshake", news: { ...about, security } },
      { channel: "ipc:connect", news: { ...about, security } },
      { channel: "ipc:disconnect", news: { ...about, error: undefined } },
    ]);
    expect(inspect(told, { depth: 9 })).not.toContain(SECRET);
  },
);

it.each([
  ["secure, the peer is anonymous", "stream truncated", {}],
  ["secure, the peer proved a pre-shared key", "stream truncated", { security: { psk: PSK } }],
  [
    "compatible: golang-ipc's encryption, the peer is anonymous",
    "closed by the peer",
    { security: { wire: "golang-ipc" } },
  ],
  ["plain: nothing is encrypted", "stream truncated: end without GOAWAY", { encryption: false }],
] as const)("the option logger gets each event, and never data or keys: %s", async (is, end, options) => {
  const lines: string[] = [];
  const keep = (...given: unknown[]): void => void lines.push(inspect(given, { depth: 9 }));
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, "logged");
  const logger = { debug: keep, info: keep, warn: keep, error: keep };
  const starting = startClient({ name: "logged", directory, retry: false, logger, ...options });
  const session = await far.session(options);
  const client = untilTestEnds(await starting);
  await client.write(1, SECRET);
  await session.write(1, SECRET);
  await Promise.all([readData(client), readData(session)]);
  await far.close();
  session.destroy();
  await readUntil(client, "Error");
  const log = lines.join("\n");
  for (const wanted of ["dialled", "connected to", `(${is})`, end, "no server listens at"]) {
    expect(log).toContain(wanted);
  }
  expect(log).not.toContain(SECRET);
  expect(log).not.toContain("7777");
  expect(log).not.toMatch(/Buffer|Uint8Array|KeyObject/);
});

it("remote is the peer's address over TCP", async () => {
  const far = await FarServer.listen(tcp({ port: 0 }), "orders");
  const port = Number(far.address.split(":")[1]);
  const starting = startClient({ name: "orders", transport: tcp({ port }) });
  await far.session();
  expect(untilTestEnds(await starting).remote).toBe(`127.0.0.1:${port}`);
});
