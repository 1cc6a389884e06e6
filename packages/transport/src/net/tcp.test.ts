import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { turns } from "../../test/scratch.js";
import type { Endpoint, Listener, ListenOptions } from "../transport.js";
import { remoteOf } from "./connect.js";
import { tcp } from "./tcp.js";

const NAME: Endpoint = { kind: "name" };
const echo = (stream: Duplex): void => void stream.pipe(stream);

/** How many listening sockets of this process are open. */
function countServers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === "TCPServerWrap").length;
}

async function listen(onStream = echo, options: ListenOptions = {}): Promise<{ listener: Listener; port: number }> {
  const listener = await tcp({ port: 0 }).listen("orders", NAME, onStream, options);
  onTestFinished(() => listener.close());
  return { listener, port: Number(listener.address.split(":")[1]) };
}

test("dials the listener at the port that the system chose, which the address has", async () => {
  const { listener, port } = await listen();
  expect(listener.address).toMatch(/^127\.0\.0\.1:[1-9]\d+$/);
  const stream = await tcp({ port }).dial("any-name", NAME, {});
  stream.end("hello");
  expect(await text(stream)).toBe("hello");
});

test("sets TCP_NODELAY and a keepalive of 15 s on both sides", async () => {
  const streams: Duplex[] = [];
  const { port } = await listen((stream) => void streams.push(stream));
  streams.push(await tcp({ port }).dial("orders", NAME, {}));
  while (streams.length < 2) await turns(1);
  for (const stream of streams) {
    // Node keeps what it has told the kernel on the socket, under symbols of its own.
    const told = Object.getOwnPropertySymbols(stream).map((symbol) => [
      symbol.description,
      Reflect.get(stream, symbol),
    ]);
    expect(Object.fromEntries(told)).toMatchObject({
      kSetNoDelay: true,
      kSetKeepAlive: true,
      kSetKeepAliveInitialDelay: 15,
    });
    stream.destroy();
  }
});

test("has one address for every endpoint, because a server has one port", () => {
  for (const endpoint of [NAME, { kind: "manager" }, { kind: "slot", id: 2 }] as const) {
    expect(tcp().address("orders", endpoint)).toBe("127.0.0.1:8100");
    expect(tcp({ host: "::1", port: 7100 }).address("orders", endpoint)).toBe("[::1]:7100");
  }
});

test("rejects a taken port", async () => {
  const { port } = await listen();
  await expect(tcp({ port }).listen("orders", NAME, echo, {})).rejects.toMatchObject({
    code: "IPC_ADDRESS_IN_USE",
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
});

test("rejects with IPC_NO_SERVER when nothing listens at the port", async () => {
  const { port } = await listen();
  const stream = (await tcp({ port }).dial("orders", NAME, {})) as Socket;
  // The port of a connected client is taken, so that no other process can listen at it meanwhile.
  await expect(tcp({ port: stream.localPort as number }).dial("orders", NAME, {})).rejects.toMatchObject({
    code: "IPC_NO_SERVER",
    cause: expect.objectContaining({ code: "ECONNREFUSED" }),
  });
  stream.destroy();
});

test("closes the listening socket once when close is called twice", async () => {
  const before = countServers();
  const { listener } = await listen();
  expect(countServers()).toBe(before + 1);
  await listener.close();
  await listener.close();
  while (countServers() > before) await turns(1);
});

test("keeps the data that arrives before the owner has added listeners, and survives a reset before that", async () => {
  const streams: Duplex[] = [];
  const { port } = await listen((stream) => void streams.push(stream));
  const transport = tcp({ port });
  const first = await transport.dial("orders", NAME, {});
  first.end("early");
  const second = (await transport.dial("orders", NAME, {})) as Socket;
  while (streams.length < 2) await turns(1);
  const [far, reset] = streams as [Duplex, Duplex];
  const closed = new Promise((resolve) => reset.once("close", resolve));
  second.resetAndDestroy();
  await closed;
  expect(reset.errored).toMatchObject({ code: "ECONNRESET" });
  expect(await text(far)).toBe("early");
});

test("gives a stream the address of its peer", async () => {
  const accepted: Duplex[] = [];
  const { port } = await listen((stream) => void accepted.push(stream));
  const stream = (await tcp({ port }).dial("orders", NAME, {})) as Socket;
  while (accepted.length === 0) await turns(1);
  expect(remoteOf(stream, "?")).toBe(`127.0.0.1:${port}`);
  expect(remoteOf(accepted[0] as Duplex, "?")).toBe(`127.0.0.1:${stream.localPort}`);
  stream.destroy();
  expect(remoteOf(new Socket(), "/tmp/orders.sock")).toBe("/tmp/orders.sock");
});

describe("an aborted signal of tcp", () => {
  test("in any macrotask of a listen leaves no listening socket, or the listen gives a listener", async () => {
    const before = countServers();
    for (let turn = 0; turn < 6; turn++) {
      const abort = new AbortController();
      // A name, so that it has to be looked up.
      const listening = tcp({ host: "localhost", port: 0 }).listen("orders", NAME, echo, { signal: abort.signal });
      const outcome = listening.catch((error: unknown) => error);
      await turns(turn);
      abort.abort();
      const settled = await outcome;
      if (settled instanceof Error) expect(settled).toMatchObject({ code: "IPC_ABORTED" });
      else await (settled as Listener).close();
    }
    while (countServers() > before) await turns(1);
  });
});

describe("tcp rejects", () => {
  test.each([
    [{ host: "" }, TypeError, "`host`"],
    [{ host: "a\0" }, TypeError, "`host`"],
    [{ host: 7 }, TypeError, "`host`"],
    [{ port: "80" }, TypeError, "`port`"],
    [{ port: -1 }, RangeError, "`port` must be an integer from 0 to 65535, got -1"],
    [{ port: 65_536 }, RangeError, "`port`"],
    [{ prot: 80 }, TypeError, 'tcp() takes the options `host`, `port`, got "prot"'],
    [null, TypeError, "tcp() takes an object of options, got null"],
  ])("the options %j", (options, kind, message) => {
    expect(() => tcp(options as object)).toThrow(expect.objectContaining({ constructor: kind }));
    expect(() => tcp(options as object)).toThrow(message);
  });

  test("a dial of port 0", async () => {
    await expect(tcp({ port: 0 }).dial("orders", NAME, {})).rejects.toThrow(
      "`port` must be an integer from 1 to 65535",
    );
  });
});
