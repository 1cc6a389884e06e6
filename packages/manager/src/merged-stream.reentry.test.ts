import type { Duplex } from "node:stream";
import { memory, type Transport } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { plainFrame } from "../../../internal/testkit/src/raw-peer.js";
import { isSettled, nextEvent, nextTurn, type Served, send, serve, type Visit } from "../test/served.js";

/** A transport and the manager's ends of its connections, in the order in which they were accepted. */
function tapped(): { readonly transport: Transport; readonly accepted: Duplex[] } {
  const inner = memory();
  const accepted: Duplex[] = [];
  const transport: Transport = {
    address: (...place) => inner.address(...place),
    dial: (...place) => inner.dial(...place),
    listen: (name, endpoint, onStream, options) =>
      inner.listen(
        name,
        endpoint,
        (stream) => {
          accepted.push(stream);
          onStream(stream);
        },
        options,
      ),
  };
  return { transport, accepted };
}

/** Sends and disconnects, while a pause holds the messages back from the manager's reader; then resumes. */
async function sendLate({ manager }: Served, there: Visit, ...texts: string[]): Promise<void> {
  there.connection.pause();
  await send(there, ...texts);
  const gone = nextEvent(manager, "disconnection");
  await there.client.close();
  await gone;
  there.connection.resume();
  await isSettled(nextTurn());
}

/** Adds a listener that records the messages of all connections, and the events of one. */
function record({ manager }: Served, { connection }: Visit): { readonly seen: string[]; readonly stop: () => void } {
  const seen: string[] = [];
  const listener = (_connection: unknown, message: { text(): string }): void => void seen.push(message.text());
  manager.on("message", listener);
  connection.on("status", (status) => seen.push(status));
  connection.on("close", () => seen.push("close"));
  return { seen, stop: () => void manager.off("message", listener) };
}

it("delivers a message that arrives on one connection while a listener runs for another", async () => {
  const { transport, accepted } = tapped();
  const { manager, visitRaw } = await serve({ encryption: false, transport });
  const first = await visitRaw();
  await visitRaw();
  const texts: string[] = [];
  manager.on("message", (connection, message) => {
    // A stream that passes data on within `write` emits it at once, too.
    if (connection === first.connection) accepted[1]?.emit("data", plainFrame(1, "b"));
    texts.push(message.text());
  });
  await nextTurn();
  first.raw.stream.write(plainFrame(1, "a"));
  await isSettled(nextTurn());
  expect(texts).toEqual(["a", "b"]);
});

describe("a status and the close of a connection", () => {
  it("are emitted after its messages when a pause held them back", async () => {
    const served = await serve();
    const there = await served.visit();
    const { seen } = record(served, there);
    await sendLate(served, there, "one", "two");
    expect(seen).toEqual(["one", "two", "Disconnected", "close"]);
  });

  it("are emitted after every listener of a message, also when one of them destroys the connection", async () => {
    const served = await serve();
    const there = await served.visit();
    served.manager.on("message", ({ id }, message) => {
      if (id === there.connection.id) there.connection.destroy();
      expect(message.text()).toBe("one");
    });
    const { seen } = record(served, there);
    await send(there, "one");
    await isSettled(nextTurn());
    expect(seen).toEqual(["one", "Closed", "close"]);
  });
});

describe("a listener of a connection's close that stops the reader of all connections", () => {
  it("loses no message when it removes the listener", async () => {
    const served = await serve();
    const there = await served.visit();
    const { seen, stop } = record(served, there);
    there.connection.on("close", stop);
    await sendLate(served, there, "one");
    expect(seen).toEqual(["one", "Disconnected", "close"]);
  });

  it("loses no message when it ends the iteration", async () => {
    const served = await serve();
    const iterator = served.manager[Symbol.asyncIterator]();
    const next = iterator.next();
    const there = await served.visit();
    there.connection.on("close", () => void iterator.return?.());
    await sendLate(served, there, "one");
    expect((await next).value?.message.text()).toBe("one");
    expect(served.manager.stats.unreadBytes).toBe(0);
  });
});
