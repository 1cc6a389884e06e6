import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { collect, failureOf, nextEvent, readToEnd, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { pair } from "../test/paired.js";

// The end of every peer is tested in packages/session/src/lifecycle: session.test.ts, session.closing.test.ts and the tables of
// peer-core.states.test.ts.

describe("close of a client", () => {
  it("ends pending reads with the unread messages, Closing, Closed, and IPC_CLOSED from then on (golang-ipc: row 25, row 36, TestClientClose, TestRead)", async () => {
    const { client, session } = await pair();
    await session.write(1, "a");
    await eventually(() => expect(client.stats.messagesReceived).toBe(1));
    const reads = Promise.allSettled(Array.from({ length: 7 }, () => client.read()));
    await client.close();
    const outcomes = await reads;
    expect(outcomes.map((outcome) => outcome.status === "fulfilled" && outcome.value)).toMatchObject([
      { status: "Connecting" },
      { status: "Connected" },
      { kind: "data" },
      { status: "Closing" },
      { status: "Closed" },
      false,
      false,
    ]);
    for (const wait of [client.read(), client.read(), client.readTimed(5), client.write(1, ""), client.flush()]) {
      expect(await failureOf(wait)).toMatchObject({
        code: "IPC_CLOSED",
        message: expect.stringContaining("(status: Closed)"),
      });
    }
  });

  it("ends redialling", async () => {
    const { client, session, far } = await pair({ retryMs: 1_000_000 });
    await far.close();
    await session.close();
    await readUntil(client, "Reconnecting");
    await client.close();
    expect(await readToEnd(client)).toEqual(["Closing", "Closed", "IPC_CLOSED"]);
  });

  it("ends the handshake of a redial, and destroys its connection", async () => {
    const { client, session, far } = await pair();
    session.destroy();
    const server = new RawPeer(await far.next());
    server.write(2, 1);
    await server.read(1 + 97);
    await client.close();
    await server.gone;
    expect(client.status).toBe("Closed");
  });

  it("closes in time when the peer writes and does not read first (golang-ipc: row 37)", async () => {
    const { client, session } = await pair();
    void Promise.allSettled(Array.from({ length: 100 }, () => session.write(1, Buffer.alloc(60_000))));
    await client.write(1, "bye");
    await client.close();
    expect(client.status).toBe("Closed");
  });
});

describe("destroy of a client", () => {
  it("ends a close that is in progress at once", async () => {
    const { client } = await pair({}, { maxUnreadBytes: 1_024 });
    void Promise.allSettled(Array.from({ length: 40 }, () => client.write(1, Buffer.alloc(60_000))));
    await eventually(() => expect(client.stats.queuedBytes).toBeGreaterThan(1_048_576));
    const events = [collect(client, "close"), collect(client, "error")];
    const closing = failureOf(client.close({ timeoutMs: 1_000_000 }));
    setImmediate(() => client.destroy());
    expect(await closing).toMatchObject({ code: "IPC_CLOSE_INCOMPLETE" });
    expect(events.map(({ length }) => length)).toEqual([1, 0]);
  });

  it("ends the client when called right after close", async () => {
    const { client, session } = await pair();
    const closing = client.close();
    client.destroy();
    await closing;
    expect(client.status).toBe("Closed");
    await readUntil(session, "Disconnected");
  });

  it("ends the client for good when a listener of the status Connected calls it: no dial and no event follow", async () => {
    const { client, session, far } = await pair();
    const statuses = collect(client, "status");
    const lost = collect(client, "lost");
    client.on("status", (status) => void (status === "Connected" && client.destroy()));
    session.destroy();
    const closed = nextEvent(client, "close");
    const second = await far.session();
    await closed;
    await readUntil(second, "Disconnected");
    expect(statuses).toEqual(["Reconnecting", "Connected", "Closed"]);
    expect(lost.length).toBe(1);
    expect(client.status).toBe("Closed");
  });
});

describe("the option signal", () => {
  it("destroys a connected client when the signal is aborted", async () => {
    const controller = new AbortController();
    const { client, session } = await pair({ signal: controller.signal });
    await readUntil(client, "Connected");
    const reason = new Error("enough");
    const closed = nextEvent(client, "close");
    controller.abort(reason);
    await closed;
    expect(client.status).toBe("Closed");
    expect((await client.read()).kind).toBe("status");
    expect(await failureOf(client.read())).toMatchObject({ code: "IPC_CLOSED", cause: reason });
    await readUntil(session, "Disconnected");
  });

  it("destroys a redialling client when the signal is aborted", async () => {
    const controller = new AbortController();
    const { client, session, far } = await pair({ signal: controller.signal, retryMs: 1_000_000 });
    await far.close();
    session.destroy();
    await readUntil(client, "Reconnecting");
    controller.abort();
    expect(await readToEnd(client)).toEqual(["Closed", "IPC_CLOSED"]);
  });

  it("does nothing to a closed client when the signal is aborted", async () => {
    const controller = new AbortController();
    const { client } = await pair({ signal: controller.signal });
    await client.close();
    controller.abort();
    expect(await readToEnd(client)).toEqual(["Connecting", "Connected", "Closing", "Closed", "IPC_CLOSED"]);
  });
});
