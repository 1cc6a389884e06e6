import { describe, expect, it, vi } from "vitest";
import { failureOf, readData } from "../../../internal/testkit/src/peer-watch.js";
import { beBusy, stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { isSettled, nextEvent, readOn, type Served, serve, stall } from "../test/served.js";
import type { BroadcastResult } from "./broadcast.js";
import type { ServerConnection } from "./server-connection.js";

const reason = new Error("enough");

/** Plain, with queues that one message fills. */
const SMALL = { encryption: false, maxQueuedBytes: 1_024 } as const;

const ids = ({ accepted, skipped, failed }: BroadcastResult): unknown => ({
  accepted: accepted.map(({ id }) => id).sort(),
  skipped: skipped.map(({ id }) => id),
  failed: failed.map(({ connection, error }) => [connection.id, error.code]),
});

/** Keeps the stream of a connection busy: messages written in this macrotask wait for the next one. */
async function occupy(connection: ServerConnection): Promise<void> {
  void connection.write(1, "before");
  await new Promise<void>((resolve) => process.nextTick(resolve));
}

/** A manager with a client, 1, that has stopped reading, and two, 2 and 3, that read. */
async function serveStalled(): Promise<
  Served & {
    stalled: Awaited<ReturnType<Served["visitRaw"]>>;
    visits: [Awaited<ReturnType<Served["visit"]>>, Awaited<ReturnType<Served["visit"]>>];
  }
> {
  const served = await serve(SMALL);
  const stalled = await served.visitRaw();
  const visits = [await served.visit(), await served.visit()] as const;
  await stall(stalled);
  return { ...served, stalled, visits: [...visits] };
}

describe("broadcast", () => {
  it("writes a message to every connection, bytes or text, in the order of the calls", async () => {
    const { manager, visit } = await serve();
    const visits = [await visit(), await visit(), await visit()];
    const results = [manager.broadcast(7, "a €"), manager.broadcast(4_294_967_295, Uint8Array.of(1, 2))];
    for (const result of results) {
      expect(await result).toEqual({ accepted: visits.map(({ connection }) => connection), skipped: [], failed: [] });
    }
    for (const { client } of visits) {
      const [first, second] = [await readData(client), await readData(client)];
      expect([first.type, first.text()]).toEqual([7, "a €"]);
      expect(second).toMatchObject({ type: 4_294_967_295, data: Uint8Array.of(1, 2) });
    }
  });

  it("resolves at once without connections, and sends nothing to later ones", async () => {
    const { manager, visit } = await serve();
    expect(await manager.broadcast(1, "a")).toEqual({ accepted: [], skipped: [], failed: [] });
    const { client } = await visit();
    await manager.broadcast(1, "b");
    expect((await readData(client)).text()).toBe("b");
  });

  it.each([
    { slow: "wait" },
    { slow: "skip" },
    { slow: "disconnect" },
    { signal: new AbortController().signal },
  ] as const)("lets the caller reuse its data when it has resolved, %o", async (options) => {
    const { manager, visit } = await serve({ encryption: false });
    const { client, connection } = await visit();
    for (const length of [10, 100_000]) {
      for (const data of [new Uint8Array(length), Buffer.alloc(length)]) {
        await occupy(connection);
        await manager.broadcast(1, data, options);
        data.fill(0xee);
        await readData(client);
        expect((await readData(client)).data.every((byte) => byte === 0)).toBe(true);
      }
    }
  });

  it("lets the caller reuse its data when the signal is aborted while a large message is being written", async () => {
    const { manager, visit } = await serve({ encryption: false });
    const { client, connection } = await visit();
    await occupy(connection);
    const controller = new AbortController();
    const data = Buffer.alloc(100_000);
    const result = manager.broadcast(1, data, { signal: controller.signal });
    controller.abort(reason);
    expect(ids(await result)).toMatchObject({ failed: [[1, "IPC_ABORTED"]] });
    data.fill(0xee);
    await readData(client);
    expect((await readData(client)).data.every((byte) => byte === 0)).toBe(true);
  });

  it("counts a connection as failed when it is closing or has just ended", async () => {
    const { manager, visit } = await serve();
    const [closing, stays] = [await visit(), await visit()];
    const closed = closing.connection.close();
    for (const slow of ["wait", "skip", "disconnect"] as const) {
      expect(ids(await manager.broadcast(1, "a", { slow }))).toEqual({
        accepted: [stays.connection.id],
        skipped: [],
        failed: [[closing.connection.id, "IPC_CLOSED"]],
      });
    }
    await closed;
  });
});

describe("broadcast beside a client that does not read", () => {
  it("waits for the slow client, and delays no other client", async () => {
    const { manager, stalled, visits } = await serveStalled();
    const result = manager.broadcast(1, "to all");
    for (const { client } of visits) expect((await readData(client)).text()).toBe("to all");
    expect(await isSettled(result)).toBe(false);
    expect(await readOn(stalled.raw, 1)).toEqual([{ type: 1, data: Buffer.from("to all") }]);
    expect(ids(await result)).toEqual({ accepted: [1, 2, 3], skipped: [], failed: [] });
  });

  it("skips the slow client at once with `skip`, and only while it is slow", async () => {
    const { manager, stalled, visits } = await serveStalled();
    for (const data of ["a", new Uint8Array(100_000)]) {
      expect(ids(await manager.broadcast(1, data, { slow: "skip" }))).toEqual({
        accepted: [2, 3],
        skipped: [1],
        failed: [],
      });
    }
    for (const { client } of visits) expect((await readData(client)).text()).toBe("a");
    stalled.raw.stream.resume();
    await stalled.connection.flush();
    expect(ids(await manager.broadcast(2, "b", { slow: "skip" }))).toMatchObject({ accepted: [1, 2, 3] });
    expect(await readOn(stalled.raw, 1)).toEqual([{ type: 2, data: Buffer.from("b") }]);
  });

  it("disconnects the slow client with `disconnect` after its time limit, and reports the reason", async () => {
    const { manager, stalled, visits } = await serveStalled();
    const pass = stopClock();
    const result = manager.broadcast(1, "to all", { slow: "disconnect", slowTimeoutMs: 50 });
    for (const { client } of visits) expect((await readData(client)).text()).toBe("to all");
    pass(49);
    expect(await isSettled(result)).toBe(false);
    const gone = nextEvent(manager, "disconnection");
    pass(1);
    expect(await gone).toMatchObject([stalled.connection, { code: "IPC_TIMED_OUT" }]);
    const { accepted, failed } = await result;
    expect(accepted.map(({ id }) => id)).toEqual([2, 3]);
    expect(failed).toMatchObject([
      {
        connection: stalled.connection,
        error: { code: "IPC_TIMED_OUT", message: expect.stringMatching(/client 1 .* within 50 ms/) },
      },
    ]);
    expect([...manager.connections.keys()]).toEqual([2, 3]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps the client with `disconnect` when it makes room in time, and leaves no timer", async () => {
    const { manager, stalled } = await serveStalled();
    const pass = stopClock();
    const result = manager.broadcast(1, "to all", { slow: "disconnect", slowTimeoutMs: 50 });
    pass(49);
    await readOn(stalled.raw, 1);
    expect(ids(await result)).toEqual({ accepted: [1, 2, 3], skipped: [], failed: [] });
    expect(vi.getTimerCount()).toBe(0);
    pass(1_000);
    expect(manager.connections.size).toBe(3);
  });

  it("keeps it with `disconnect` where only this process was busy, and leaves no timer", async () => {
    const { manager, stalled } = await serveStalled();
    const pass = stopClock();
    const options = { slow: "disconnect", slowTimeoutMs: 50 } as const;
    const first = manager.broadcast(1, "a", options);
    beBusy(80);
    pass(50);
    expect(manager.connections.size).toBe(3);
    await readOn(stalled.raw, 1);
    expect(ids(await first)).toEqual({ accepted: [1, 2, 3], skipped: [], failed: [] });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("counts the client as failed when it disconnects meanwhile, for any cause", async () => {
    for (const slow of ["wait", "disconnect"] as const) {
      const { manager, stalled } = await serveStalled();
      const result = manager.broadcast(1, "to all", { slow });
      stalled.raw.stream.destroy(reason);
      expect(ids(await result)).toEqual({ accepted: [2, 3], skipped: [], failed: [[1, "IPC_CONNECTION_LOST"]] });
    }
    const { manager, stalled } = await serveStalled();
    const result = manager.broadcast(1, "to all");
    stalled.connection.destroy(reason);
    expect(ids(await result)).toMatchObject({ failed: [[1, "IPC_CLOSED"]] });
  });

  it("counts the client as failed when its write queue is full", async () => {
    const { manager, visits } = await serveStalled();
    const results: Promise<BroadcastResult>[] = [];
    for (let count = 0; count < 20; count++) {
      results.push(manager.broadcast(1, new Uint8Array(1_000)));
      for (const { connection } of visits) await connection.flush();
    }
    expect(ids(await (results.at(-1) as Promise<BroadcastResult>))).toEqual({
      accepted: [2, 3],
      skipped: [],
      failed: [[1, "IPC_QUEUE_FULL"]],
    });
    manager.destroy();
    await Promise.all(results);
  });

  it("counts the client as failed and sends it nothing when the signal is aborted; other clients keep the message", async () => {
    const { manager, stalled, visits } = await serveStalled();
    const controller = new AbortController();
    const result = manager.broadcast(1, "aborted", { signal: controller.signal });
    for (const { client } of visits) expect((await readData(client)).text()).toBe("aborted");
    controller.abort(reason);
    const { failed } = await result;
    expect(failed).toMatchObject([
      { connection: stalled.connection, error: { code: "IPC_ABORTED", name: "AbortError", cause: reason } },
    ]);
    void manager.broadcast(2, "next");
    expect(await readOn(stalled.raw, 1)).toEqual([{ type: 2, data: Buffer.from("next") }]);
  });
});

describe("broadcast rejects, and sends nothing", () => {
  const aborted = AbortSignal.abort(reason);
  it.each([
    [[0, "x"], RangeError, "write: message type 0 is reserved"],
    [[4_294_967_296, "x"], RangeError, "`type` takes a whole number, 1 … 4294967295"],
    [["1", "x"], TypeError, "`type` takes a number"],
    [[1, 5], TypeError, "`data` takes a string or a Uint8Array"],
    [[1, new Uint8Array(2_001)], Error, "message too large: 2001 bytes, limit 2000"],
    [[1, "x", null], TypeError, "broadcast: takes an object of options, got null"],
    [[1, "x", { slow: "drop" }], TypeError, 'broadcast: `slow` takes "wait", "skip", "disconnect", got "drop"'],
    [
      [1, "x", { slowTimeoutMs: 0 }],
      RangeError,
      "`slowTimeoutMs` takes a whole number of milliseconds, 1 … 2147483647",
    ],
    [[1, "x", { signal: {} }], TypeError, "broadcast: `signal` takes an AbortSignal, got an object"],
    [
      [1, "x", { timeoutMs: 5 }],
      TypeError,
      "broadcast: unknown option `timeoutMs`; known options: slow, slowTimeoutMs, signal",
    ],
    [[1, "x", { signal: aborted }], Error, "broadcast: aborted by its signal"],
  ])("%o", async (given, kind, message) => {
    const { manager, visit } = await serve({ maxMessageSize: 2_000 });
    const { client } = await visit();
    const broadcast = manager.broadcast.bind(manager) as (...args: unknown[]) => Promise<unknown>;
    const error = await failureOf(broadcast(...given));
    expect(error).toBeInstanceOf(kind);
    expect(error.message).toContain(message);
    await manager.broadcast(1, "after");
    expect((await readData(client)).text()).toBe("after");
  });
});
