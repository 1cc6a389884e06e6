import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { rmSync } from "node:fs";
import { inspect } from "node:util";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { failureOf, nextEvent, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { startServer } from "./server.js";

const SECRET = "the-secret-payload";
const PSK = Buffer.alloc(32, 0x77);

/** Keeps what is told on the library's channels about the server of this name, until the test is over. */
function watchChannels(name: string): { channel: string; news: Record<string, unknown> }[] {
  const told: { channel: string; news: Record<string, unknown> }[] = [];
  const channels = ["ipc:connect", "ipc:disconnect", "ipc:handshake", "ipc:refused", "ipc:relisted"];
  for (const channel of channels) {
    const listener = (news: unknown): void => {
      const record = news as Record<string, unknown>;
      if (record["name"] === name && record["role"] === "server") told.push({ channel, news: record });
    };
    subscribe(channel, listener);
    onTestFinished(() => void unsubscribe(channel, listener));
  }
  return told;
}

/** A logger that keeps everything, whatever it is given. */
function keepLog(): {
  lines: string[];
  logger: Record<"debug" | "info" | "warn" | "error", (...given: unknown[]) => void>;
} {
  const lines: string[] = [];
  const keep =
    (level: string) =>
    (...given: unknown[]): void =>
      void lines.push(`${level} ${inspect(given, { depth: 9, breakLength: Number.POSITIVE_INFINITY })}`);
  return { lines, logger: { debug: keep("debug"), info: keep("info"), warn: keep("warn"), error: keep("error") } };
}

describe("node:diagnostics_channel", () => {
  it.each([
    ["secure", {}],
    ["compatible", { security: { wire: "golang-ipc" } }],
    ["plain", { encryption: false }],
  ] as const)(
    "gets events for handshakes, connections, their ends and rejections, with names and errors and no data: %s",
    async (mode, options) => {
      const name = "watched";
      const told = watchChannels(name);
      const directory = temporaryDirectory();
      const server = untilTestEnds(await startServer({ name, directory, ...options }));
      const client = await openFarClient(directory, name, options);
      await client.write(1, SECRET);
      await readData(server);
      expect(await failureOf(openFarClient(directory, name))).toMatchObject({ code: "IPC_SERVER_BUSY" });
      await client.close();
      await readUntil(server, "Disconnected");
      const remote = `${directory}/watched.sock`;
      const connection = { role: "server", name, remote, security: { mode, peer: { psk: false } } };
      expect(told).toMatchObject([
        { channel: "ipc:handshake", news: connection },
        { channel: "ipc:connect", news: connection },
        { channel: "ipc:refused", news: { role: "server", name, remote, error: { code: "IPC_SERVER_BUSY" } } },
        { channel: "ipc:disconnect", news: { role: "server", name, remote, error: { code: "IPC_PEER_CLOSED" } } },
      ]);
      expect(inspect(told, { depth: 9 })).not.toContain(SECRET);
    },
  );
});

describe("node:diagnostics_channel, when the server ends the connection itself", () => {
  it.each(["close", "destroy"] as const)("gets the end without an error, by %s", async (end) => {
    const told = watchChannels("leaving");
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name: "leaving", directory }));
    await openFarClient(directory, "leaving");
    await readUntil(server, "Connected");
    await server[end]();
    const ends = told.filter(({ channel }) => channel === "ipc:disconnect");
    expect(ends.map(({ news }) => news["error"])).toEqual([undefined]);
  });
});

it("node:diagnostics_channel gets a connection before its end, also when a listener ends it at once", async () => {
  const told = watchChannels("brief");
  const directory = temporaryDirectory();
  const server = untilTestEnds(await startServer({ name: "brief", directory }));
  const ended = new Promise<void>((resolve) => server.once("close", resolve));
  server.on("status", (status) => {
    if (status === "Connected") server.destroy();
  });
  await openFarClient(directory, "brief");
  await ended;
  expect(told.map(({ channel }) => channel)).toEqual(["ipc:handshake", "ipc:connect", "ipc:disconnect"]);
});

it("relisted, a log line and ipc:relisted report that a removed socket file was created again", async () => {
  const told = watchChannels("swept");
  const { lines, logger } = keepLog();
  const directory = temporaryDirectory();
  const server = untilTestEnds(await startServer({ name: "swept", directory, logger }));
  const { address } = server;
  const early = await openFarClient(directory, "swept");
  const relisted = new Promise<string>((resolve) => server.once("relisted", resolve));
  rmSync(address);
  expect(await relisted).toBe(address);
  expect(told.filter(({ channel }) => channel === "ipc:relisted")).toEqual([
    { channel: "ipc:relisted", news: { role: "server", name: "swept", address } },
  ]);
  expect(lines.filter((line) => line.includes(`${address} had vanished; the server listens there again`))).toEqual([
    expect.stringMatching(/^warn /),
  ]);
  await early.write(1, "still here");
  await readUntil(server, "still here");
  await early.close();
  await readUntil(server, "Disconnected");
  await (await openFarClient(directory, "swept")).write(1, "and new ones");
  await readUntil(server, "and new ones");
});

describe("the option logger", () => {
  it.each([
    ["secure, the peer is anonymous", {}],
    ["secure, the peer proved a pre-shared key", { security: { psk: PSK } }],
    ["compatible: golang-ipc's encryption, the peer is anonymous", { security: { wire: "golang-ipc" } }],
    ["plain: nothing is encrypted", { encryption: false }],
  ] as const)("gets each event, and never data or keys: %s", async (is, options) => {
    const { lines, logger } = keepLog();
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name: "logged", directory, logger, ...options }));
    const client = await openFarClient(directory, "logged", options);
    await client.write(1, SECRET);
    await server.write(2, SECRET);
    await readData(client);
    await readData(server);
    await failureOf(openFarClient(directory, "logged"));
    const lost = nextEvent(server, "status");
    void server.write(3, SECRET.repeat(10_000));
    client.destroy();
    await lost;
    await server.close();
    expect(lines.length).toBeGreaterThanOrEqual(4);
    const log = lines.join("\n");
    for (const wanted of [/info .*listening at /, /warn .*refused .*is busy/]) {
      expect(log).toMatch(wanted);
    }
    expect(log).toContain(`connected (${is})`);
    expect(log).not.toContain(SECRET.slice(0, 8));
    expect(log).not.toContain("7777");
    expect(log).not.toMatch(/Buffer|Uint8Array|KeyObject/);
  });

  it("accepts a console, and nothing is written without a logger", async () => {
    const writes = [vi.spyOn(process.stdout, "write"), vi.spyOn(process.stderr, "write")];
    onTestFinished(() => {
      for (const write of writes) write.mockRestore();
    });
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name: "silent", directory }));
    await openFarClient(directory, "silent");
    await readUntil(server, "Connected");
    await failureOf(openFarClient(directory, "silent"));
    await server.close();
    for (const write of writes) expect(write).not.toHaveBeenCalled();
    untilTestEnds(await startServer({ name: "silent", directory, logger: { ...console, info: () => {} } }));
  });
});
