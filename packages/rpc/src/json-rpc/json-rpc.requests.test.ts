import { startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { describe, expect, test } from "vitest";
import { CutSockets } from "../../../../internal/testkit/src/cut-sockets.js";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { FakePeer, fakePair } from "../../test/fake-peer.js";
import { type Any, over } from "../../test/json-rpc-over.js";
import { jsonRpcOver } from "./json-rpc.js";

const request = (id: unknown, method: string, params?: unknown) => ({ jsonrpc: "2.0", id, method, params });
const response = (id: unknown, result: unknown) => ({ jsonrpc: "2.0", id, result });

function deliver(peer: FakePeer, message: Any): void {
  peer.emit("message", peer.messageOf(0x6a727063, Buffer.from(JSON.stringify(message))));
}

describe("a request under way on the next connection, while the end of the one before still waits to be handed out,", () => {
  function scene() {
    const peer = new FakePeer();
    const { received, writer } = over(peer);
    return { peer, writer, received };
  }

  test("is not answered with an error, and gets its response", async () => {
    const { peer, writer, received } = scene();
    await writer.write(request(1, "get", "over the first"));
    peer.pause();
    peer.lose("Reconnecting");
    peer.reconnect();
    await writer.write(request(2, "get", "over the second"));
    peer.handAll();
    expect(received.splice(0)).toMatchObject([{ id: 1, error: { code: -32_097 } }]);
    expect(peer.isBusy).toBe(true);
    deliver(peer, response(2, "two"));
    expect(received).toEqual([response(2, "two")]);
    expect(peer.isBusy).toBe(false);
  });

  test("is answered with an error once that connection is lost too", async () => {
    const { peer, writer, received } = scene();
    peer.pause();
    peer.lose("Reconnecting");
    peer.reconnect();
    await writer.write(request(2, "get"));
    peer.lose("Reconnecting");
    peer.handAll();
    expect(received).toMatchObject([{ id: 2, error: { code: -32_097 } }]);
  });

  test("is answered with an error when the peer closes", async () => {
    const { peer, writer, received } = scene();
    peer.pause();
    peer.lose("Reconnecting");
    peer.reconnect();
    await writer.write(request(2, "get"));
    peer.handAll();
    peer.destroy();
    expect(received).toMatchObject([{ id: 2, error: { code: -32_097 } }]);
  });
});

describe("a request that goes over the next connection", () => {
  test("gets its response when a listener of the loss of the session before has written it", async () => {
    const transport = new CutSockets();
    const options = { name: "lost", transport, resume: true };
    const first = await startServer(options);
    const client = untilTestEnds(await startClient({ ...options, retryMs: 1 }));
    let write = async (_message: Any): Promise<void> => {};
    client.on("lost", () => void write(request(2, "get")));
    const near = over(client);
    write = near.write;
    await near.write(request(1, "get"));
    first.destroy();
    const far = over(untilTestEnds(await startServer(options)));
    await eventually(() => expect(far.received).toEqual([request(2, "get")]));
    await far.write(response(2, "two"));
    await eventually(() => expect(near.received.at(-1)).toEqual(response(2, "two")));
    expect(near.received).toMatchObject([{ id: 1, error: { code: -32_097 } }, { id: 2 }]);
  });

  test("gets its response when it was written between two connections, and the end of the first is told late", async () => {
    const transport = new CutSockets();
    const options = { name: "waits", transport };
    const first = await startServer(options);
    const client = untilTestEnds(await startClient({ ...options, retryMs: 1, writeWhileReconnecting: "wait" }));
    const near = over(client);
    await near.write(request(1, "get"));
    client.pause();
    await first.write(1, "comes before the end");
    await eventually(() => expect(client.stats.unreadBytes).toBeGreaterThan(0));
    first.destroy();
    await eventually(() => expect(client.status).toBe("Reconnecting"));
    void near.write(request(2, "get"));
    const far = over(untilTestEnds(await startServer(options)));
    await eventually(() => expect(far.received).toEqual([request(2, "get")]));
    client.resume();
    await eventually(() => expect(near.received).not.toEqual([]));
    await far.write(response(2, "two"));
    await eventually(() => expect(near.received.at(-1)).toEqual(response(2, "two")));
    expect(near.received).toMatchObject([{ id: 1, error: { code: -32_097 } }, { id: 2 }]);
  });
});

describe("the requests of the other side that are kept until they are answered", () => {
  function scene() {
    const peer = new FakePeer();
    const { received, writer } = over(peer);
    /** The replies, each with the length of the message that it replies to. */
    const replies: { readonly to: number; readonly said: Any }[] = [];
    const deliverWatched = (message: unknown): void => {
      const plain = peer.messageOf(0x6a727063, Buffer.from(JSON.stringify(message)));
      const reply = async (_type: number, said: string | Uint8Array): Promise<void> => {
        replies.push({ to: plain.data.length, said: JSON.parse(String(said)) as Any });
      };
      peer.emit("message", { ...plain, reply });
    };
    return { peer, writer, received, replies, deliverWatched };
  }

  test.each([
    ["an object as its id", { id: {}, method: "x" }],
    ["an array as its id", { id: [1], method: "x" }],
    ["a boolean as its id", { id: true, method: "x" }],
    ["a number as its method", { id: 1, method: 5 }],
    ["null as its method", { id: 1, method: null }],
  ])("have none with %s, which is handed on as it is", (_what, malformed) => {
    const { peer, received } = scene();
    deliver(peer, { jsonrpc: "2.0", ...malformed });
    expect(received).toEqual([{ jsonrpc: "2.0", ...malformed }]);
    expect(peer.isBusy).toBe(false);
  });

  test("share the shortest message of their connection, over which they are answered", async () => {
    const { peer, writer, received, replies, deliverWatched } = scene();
    const long = request(1, "get", "x".repeat(10_000));
    const short = request(2, "get");
    const shortBytes = JSON.stringify(short).length;
    for (const message of [long, short, { ...long, id: 3 }]) deliverWatched(message);
    for (const id of [1, 2, 3]) await writer.write(response(id, id));
    expect(replies).toEqual([1, 2, 3].map((id) => ({ to: shortBytes, said: response(id, id) })));
    // The next connection has messages of its own.
    peer.lose("Disconnected");
    peer.reconnect();
    deliverWatched(long);
    await writer.write(response(received.at(-1)?.id, "next"));
    expect(replies.at(-1)).toEqual({ to: JSON.stringify(long).length, said: response(1, "next") });
  });

  test("are at most 16 384: one more is answered with -32000 and not handed on", async () => {
    const { writer, received, replies, deliverWatched } = scene();
    for (let id = 0; id < 16_384; id++) deliverWatched(request(id, "get"));
    deliverWatched(request("more", "get"));
    expect(received).toHaveLength(16_384);
    expect(replies.splice(0)).toMatchObject([{ said: { id: "more", error: { code: -32_000 } } }]);
    deliverWatched({ jsonrpc: "2.0", method: "note" });
    await writer.write(response(7, "seven"));
    deliverWatched(request("again", "get"));
    expect(received.slice(-2)).toEqual([{ jsonrpc: "2.0", method: "note" }, request("again", "get")]);
    expect(replies).toMatchObject([{ said: { id: 7 } }]);
  });

  test("have ids of at most 1 024 characters: one with a longer id is answered with -32000 for the id null", () => {
    const { received, replies, deliverWatched } = scene();
    const ids = ["x".repeat(1_024), "x".repeat(1_025)];
    for (const id of ids) deliverWatched(request(id, "get"));
    expect(received.map(({ id }) => id)).toEqual([ids[0]]);
    expect(replies).toMatchObject([{ said: { id: null, error: { code: -32_000 } } }]);
  });

  test("are refused without their id if it is longer, also when 16 384 are not answered", () => {
    const { replies, deliverWatched } = scene();
    for (let id = 0; id < 16_384; id++) deliverWatched(request(id, "get"));
    deliverWatched(request("x".repeat(1_025), "get"));
    expect(replies).toMatchObject([{ said: { id: null, error: { code: -32_000 } } }]);
  });

  test("end the connection, and report why, if their refusal finds the queue full: no side waits forever", async () => {
    const { client, server } = fakePair();
    const { received, write } = over(client);
    const { reader, writer } = jsonRpcOver(server);
    const errors: unknown[] = [];
    reader.listen(() => {});
    writer.onError(([error]) => errors.push(error));
    for (let id = 0; id <= 16_384; id++) void write(request(id, "get"));
    server.refuses = "IPC_QUEUE_FULL";
    server.deliver();
    await eventually(() => expect(errors).toMatchObject([{ code: "IPC_QUEUE_FULL" }]));
    expect([client.status, server.status]).toEqual(["Reconnecting", "Disconnected"]);
    expect(received).toHaveLength(16_385);
    expect(received.at(-1)).toMatchObject({ id: 16_384, error: { code: -32_097 } });
  });

  test("leave the connection alone if it has ended before their refusal was written", async () => {
    const { client, server } = fakePair();
    const { reader, writer } = jsonRpcOver(server);
    reader.listen(() => {});
    const errors: unknown[] = [];
    writer.onError(([error]) => errors.push(error));
    server.holds = true;
    server.emit(
      "message",
      server.messageOf(0x6a727063, Buffer.from(JSON.stringify(request("x".repeat(1_025), "get")))),
    );
    server.lose("Disconnected");
    server.reconnect();
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    expect([client.status, server.status, errors]).toEqual(["Connected", "Connected", []]);
  });
});
