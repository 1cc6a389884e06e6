import { memory, startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { describe, expect, test } from "vitest";
import { CutSockets } from "../../../../internal/testkit/src/cut-sockets.js";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { FakePeer } from "../../test/fake-peer.js";
import { type Any, over } from "../../test/json-rpc-over.js";
import { pass } from "../../test/pass-time.js";
import { jsonRpcOver } from "./json-rpc.js";

const request = (id: unknown, method: string, params?: unknown) => ({ jsonrpc: "2.0", id, method, params });
const response = (id: unknown, result: unknown) => ({ jsonrpc: "2.0", id, result });
const cancel = (id: unknown) => ({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id } });

function deliver(peer: FakePeer, message: Any): void {
  peer.emit("message", peer.messageOf(0x6a727063, Buffer.from(JSON.stringify(message))));
}

describe("JSON-RPC over a server of one client after another", () => {
  /** A server that has the first client's request, whose id is 0; and a second client, which has the same id in use. */
  async function scene() {
    const transport = memory();
    const server = untilTestEnds(await startServer({ name: "one", transport }));
    const far = over(server);
    const first = await startClient({ name: "one", transport });
    await over(first).write(request(0, "get", "of the first"));
    await eventually(() => expect(far.received).toHaveLength(1));
    first.destroy();
    await eventually(() => expect(server.status).toBe("Disconnected"));
    const near = over(untilTestEnds(await startClient({ name: "one", transport })));
    await near.write(request(0, "get", "of the second"));
    await eventually(() => expect(far.received).toHaveLength(2));
    const [early, late] = far.received.map(({ id }) => id);
    return { far, near, early, late };
  }

  test("gives the next client no answer to a request of the client before", async () => {
    const { far, near, early, late } = await scene();
    await far.write(response(early, "for the first"));
    await far.write(response(late, "for the second"));
    await eventually(() => expect(near.received).toEqual([response(0, "for the second")]));
  });

  test("gives the next client no such answer when the answers come in the other order", async () => {
    const { far, near, early, late } = await scene();
    await far.write(response(late, "for the second"));
    await far.write(response(early, "for the first"));
    await far.write({ jsonrpc: "2.0", method: "last" });
    await eventually(() => expect(near.received).toHaveLength(2));
    expect(near.received).toEqual([response(0, "for the second"), { jsonrpc: "2.0", method: "last" }]);
  });

  test("cancels only the next client's own request when that client cancels", async () => {
    const { far, near, late } = await scene();
    await near.write(cancel(0));
    await eventually(() => expect(far.received.at(-1)).toEqual(cancel(late)));
  });
});

describe("JSON-RPC over a connection", () => {
  test("keeps the id of a request, also when a request with that id was answered before", async () => {
    const peer = new FakePeer();
    const { reader, writer } = jsonRpcOver(peer);
    const ids: unknown[] = [];
    reader.listen((message) => void ids.push((message as Any).id));
    for (const id of [0, "a", 0]) {
      deliver(peer, request(id, "get"));
      await writer.write(response(id, 1));
    }
    expect(ids).toEqual([0, "a", 0]);
  });

  test("does not answer a request again when the connection is lost after its answer", async () => {
    const peer = new FakePeer();
    const { reader, writer } = jsonRpcOver(peer);
    const received: unknown[] = [];
    reader.listen((message) => void received.push(message));
    await writer.write(request(1, "get"));
    deliver(peer, response(1, "answer"));
    peer.lose("Reconnecting");
    expect(received).toEqual([response(1, "answer")]);
  });

  test.each(["is answered", "is lost with its connection"])(
    "cancels a request by its own id again when the one that had another id %s",
    async (end) => {
      const peer = new FakePeer();
      const { reader, writer } = jsonRpcOver(peer);
      const ids: unknown[] = [];
      reader.listen((message) => void ids.push((message as Any).id ?? (message as { params?: Any }).params?.id));
      deliver(peer, request("a", "get"));
      peer.lose("Disconnected");
      peer.reconnect();
      deliver(peer, request("a", "get"));
      await writer.write(response("a", "for the first"));
      if (end === "is answered") await writer.write(response(ids[1], "for the second"));
      else {
        peer.lose("Disconnected");
        peer.reconnect();
      }
      deliver(peer, request("a", "get"));
      deliver(peer, cancel("a"));
      expect(ids).toEqual(["a", "again 0", "a", "a"]);
    },
  );

  test("does not answer a request with a refused write when the connection is lost", async () => {
    const peer = new FakePeer();
    const { reader, writer } = jsonRpcOver(peer);
    const received: unknown[] = [];
    reader.listen((message) => void received.push(message));
    await writer.write(request(1, "sent"));
    peer.refuses = "IPC_QUEUE_FULL";
    await expect(writer.write(request(2, "refused"))).rejects.toMatchObject({ code: "IPC_QUEUE_FULL" });
    peer.lose("Reconnecting");
    expect(received).toMatchObject([{ id: 1, error: { code: -32_097 } }]);
  });
});

describe("over a session that can be resumed", () => {
  test.each([true, false])(
    "a request is answered after a cut, and rejected when the session is lost (to one with resume: %s)",
    async (again) => {
      const transport = new CutSockets();
      const resume = { name: "resumed", transport, resume: true };
      const server = untilTestEnds(await startServer(resume));
      const far = over(server);
      const client = untilTestEnds(await startClient({ ...resume, retryMs: 1 }));
      const near = over(client);
      await near.write(request(0, "get"));
      await eventually(() => expect(far.received).toHaveLength(1));
      transport.cut();
      await eventually(() => expect(client.stats.resumes).toBe(1));
      await far.write(response(0, "at last"));
      await eventually(() => expect(near.received).toEqual([response(0, "at last")]));
      await near.write(request(1, "get"));
      await eventually(() => expect(far.received).toHaveLength(2));
      server.destroy();
      untilTestEnds(await startServer({ ...resume, resume: again }));
      await eventually(() => expect(near.received.at(-1)).toMatchObject({ id: 1, error: { code: -32_097 } }));
    },
  );
});

describe("a drain of a peer that carries JSON-RPC", () => {
  function scene() {
    const peer = new FakePeer();
    const { reader, writer } = jsonRpcOver(peer);
    const subscription = reader.listen(() => {});
    return { peer, writer, subscription };
  }

  test("waits until the requests of the other side are answered", async () => {
    const { peer, writer } = scene();
    expect(peer.isBusy).toBe(false);
    deliver(peer, request(0, "get"));
    deliver(peer, request(1, "get"));
    await writer.write(response(1, "one"));
    expect(peer.isBusy).toBe(true);
    await writer.write(response(0, "zero"));
    expect(peer.isBusy).toBe(false);
  });

  test("waits until its own requests are answered", async () => {
    const { peer, writer } = scene();
    await writer.write(request(7, "get"));
    expect(peer.isBusy).toBe(true);
    deliver(peer, response(7, "seven"));
    expect(peer.isBusy).toBe(false);
  });

  test("does not wait for notifications, for requests of a lost connection, or for those that nothing can answer", async () => {
    const { peer, writer, subscription } = scene();
    const note: Any = { jsonrpc: "2.0", method: "note" };
    await writer.write(note);
    deliver(peer, note);
    expect(peer.isBusy).toBe(false);
    deliver(peer, request(0, "get"));
    await writer.write(request(7, "get"));
    peer.lose("Reconnecting");
    expect(peer.isBusy).toBe(false);
    await writer.write(response(0, "late"));
    peer.reconnect();
    deliver(peer, request(0, "get"));
    await writer.write(request(8, "get"));
    subscription.dispose();
    expect(peer.isBusy).toBe(true);
    writer.dispose();
    expect(peer.isBusy).toBe(false);
  });

  test("answers on real connections before it closes", async () => {
    const transport = memory();
    const server = untilTestEnds(await startServer({ name: "drained", transport }));
    const far = over(server);
    const near = over(untilTestEnds(await startClient({ name: "drained", transport })));
    await near.write(request(0, "get"));
    await eventually(() => expect(far.received).toHaveLength(1));
    const advance = stopClock();
    const drained = server.drain();
    // Together longer than a connection may be idle in a drain.
    for (let tick = 0; tick < 16; tick++) await pass(advance, 25);
    expect(server.status).toBe("Connected");
    await far.write(response(0, "at last"));
    await eventually(async () => {
      await pass(advance, 25);
      expect(server.status).toBe("Closed");
    });
    await drained;
    await eventually(() => expect(near.received).toEqual([response(0, "at last")]));
  });
});

describe("disposing of", () => {
  const left = (peer: FakePeer) => ["message", "status", "close"].map((event) => peer.listenerCount(event));

  test.each(["reader first", "writer first"])(
    "the reader and the writer leaves no listener on the peer: the %s",
    (order) => {
      const peer = new FakePeer();
      const { reader, writer } = jsonRpcOver(peer);
      reader.listen(() => {});
      const both = order === "reader first" ? [reader, writer] : [writer, reader];
      for (const one of both) one.dispose();
      expect(left(peer)).toEqual([0, 0, 0]);
    },
  );

  test("the writer leaves a reader that is notified of the end", () => {
    const peer = new FakePeer();
    const { reader, writer } = jsonRpcOver(peer);
    let closed = 0;
    reader.onClose(() => closed++);
    reader.listen(() => {});
    writer.dispose();
    peer.destroy();
    expect([closed, ...left(peer)]).toEqual([1, 0, 0, 0]);
  });

  test("the subscription that `listen` returned stops the messages, and a second `listen` delivers each of them once", () => {
    const peer = new FakePeer();
    const { reader } = jsonRpcOver(peer);
    const received: string[] = [];
    const first = reader.listen(() => void received.push("first"));
    const second = reader.listen(() => void received.push("second"));
    deliver(peer, { jsonrpc: "2.0" });
    expect(received.splice(0)).toEqual(["second"]);
    first.dispose();
    deliver(peer, { jsonrpc: "2.0" });
    expect(received.splice(0)).toEqual(["second"]);
    second.dispose();
    deliver(peer, { jsonrpc: "2.0" });
    expect(received).toEqual([]);
  });
});
