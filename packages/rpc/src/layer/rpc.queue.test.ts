import { memory, startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { describe, expect, test } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { rejection } from "../../test/both-sides.js";
import { FakePeer, fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const contract = {
  echo: method<number, number>(),
  wait: method<void, void>(),
  give: stream<void, string>(),
  take: stream<void, never, number, number>(),
};

/** A client with the calls of the contract at a server; both go on with another connection after the first. */
function scene() {
  const pair = fakePair();
  const log: string[] = [];
  rpc(pair.server, { logger: { error: (text) => void log.push(text) } });
  serve(pair.server, contract, {
    echo: (value) => value,
    wait: (_, call) => new Promise((resolve) => call.signal.addEventListener("abort", () => resolve())),
    async *give() {
      for (let at = 0; at < 100; at++) yield "x".repeat(1_000);
    },
    take: (_, call) => new Promise((resolve) => call.signal.addEventListener("abort", () => resolve(1))),
  });
  return { pair, log, api: rpc(pair.client).remote(contract) };
}

async function expectNextConnection({ pair, api }: ReturnType<typeof scene>): Promise<void> {
  expect([pair.client.status, pair.server.status]).toEqual(["Reconnecting", "Disconnected"]);
  pair.client.refuses = undefined;
  pair.server.refuses = undefined;
  pair.server.reconnect();
  pair.client.reconnect();
  const echoed = api.echo(7);
  await settle(pair);
  expect(await echoed).toBe(7);
}

describe("a connection closes when a frame that the other side waits for cannot be sent:", () => {
  test("CANCEL", async () => {
    const it = scene();
    const abort = new AbortController();
    const aborted = rejection(it.api.wait(undefined, { signal: abort.signal }));
    const open = rejection(it.api.wait());
    await settle(it.pair);
    it.pair.client.refuses = "IPC_QUEUE_FULL";
    abort.abort();
    expect(await aborted).toMatchObject({ code: "IPC_ABORTED" });
    expect(await open).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    await settle(it.pair);
    expect(rpc(it.pair.server).stats.handling).toBe(0);
    await expectNextConnection(it);
  });

  test("CREDIT", async () => {
    const it = scene();
    const items = it.api.give()[Symbol.asyncIterator]();
    await settle(it.pair);
    it.pair.client.refuses = "IPC_QUEUE_FULL";
    await expect(
      (async () => {
        while ((await items.next()).done !== true);
      })(),
    ).rejects.toMatchObject({ code: "IPC_CALL_LOST" });
    await expectNextConnection(it);
  });

  test("END", async () => {
    const it = scene();
    let finish: () => void = () => {};
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    async function* items(): AsyncGenerator<number> {
      yield 1;
      await finished;
    }
    const made = rejection(it.api.take(undefined, { items: items() }));
    await settle(it.pair);
    it.pair.client.refuses = "IPC_QUEUE_FULL";
    finish();
    expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    await settle(it.pair);
    await expectNextConnection(it);
  });

  test.each([
    ["RESULT", "echo"],
    ["ERROR", "unknown"],
  ])("%s", async (_kind, name) => {
    const it = scene();
    it.pair.server.receive({ kind: KIND.call, id: 1, name: Buffer.from("wait") });
    await settle(it.pair);
    it.pair.server.refuses = "IPC_QUEUE_FULL";
    it.pair.server.receive({ kind: KIND.call, id: 3, name: Buffer.from(name), payload: "1" });
    await settle(it.pair);
    expect(rpc(it.pair.server).stats.handling).toBe(0);
    await expectNextConnection(it);
  });

  test("the shortest answer, when the other side rejects it as too large", async () => {
    const it = scene();
    it.pair.server.refuses = "IPC_MESSAGE_TOO_LARGE";
    it.pair.server.receive({ kind: KIND.call, id: 1, name: Buffer.from("echo"), payload: "1" });
    await settle(it.pair);
    expect(it.log).toEqual([expect.stringContaining("IPC_MESSAGE_TOO_LARGE")]);
    await expectNextConnection(it);
  });

  test("RESULT, over a manager's connection, which cannot reconnect", async () => {
    const connection = Object.assign(new FakePeer(), { id: 1 });
    serve(connection, { echo: contract.echo }, { echo: (value) => value });
    connection.refuses = "IPC_QUEUE_FULL";
    connection.receive({ kind: KIND.call, id: 1, name: Buffer.from("echo"), payload: "1" });
    await settle({ client: connection, server: connection });
    expect(connection.status).toBe("Disconnected");
  });
});

describe("a full write queue, over real connections,", () => {
  const flood = (peer: { write(type: number, data: string): Promise<void> }): void => {
    for (let at = 0; at < 1_000; at++) peer.write(9, "x".repeat(1_000)).catch(() => {});
  };

  async function connect() {
    const transport = memory();
    const server = untilTestEnds(await startServer({ name: "one", transport, maxQueuedBytes: 1_024 }));
    rpc(server, { onMessage() {} });
    const client = untilTestEnds(await startClient({ name: "one", transport, maxQueuedBytes: 1_024, retryMs: 1 }));
    const api = rpc(client, { onMessage() {} }).remote(contract);
    return { server, client, api };
  }

  test("makes a client's call to the server fail, and the server answers the next call", async () => {
    const { server, api } = await connect();
    let isFull = false;
    const { echo } = contract;
    serve(
      server,
      { echo },
      {
        echo: (value) => {
          if (isFull) flood(server);
          return value;
        },
      },
    );
    expect(await api.echo(1)).toBe(1);
    isFull = true;
    expect(await rejection(api.echo(2, { timeoutMs: 0 }))).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    isFull = false;
    await eventually(async () => expect(await api.echo(3)).toBe(3));
  });

  test("closes a client's connection when the client has to cancel, and the next call is answered", async () => {
    const { server, client, api } = await connect();
    const { echo, wait } = contract;
    serve(server, { echo, wait }, { echo: (value) => value, wait: () => new Promise(() => {}) });
    expect(await api.echo(1)).toBe(1);
    const abort = new AbortController();
    const aborted = rejection(api.wait(undefined, { signal: abort.signal }));
    flood(client);
    abort.abort();
    expect(await aborted).toMatchObject({ code: "IPC_ABORTED" });
    await eventually(() => expect(client.stats.reconnects).toBe(1));
    await eventually(async () => expect(await api.echo(3)).toBe(3));
  });
});
