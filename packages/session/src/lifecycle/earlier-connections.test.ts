import { describe, expect, it } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { failureOf, readData } from "../../../../internal/testkit/src/peer-watch.js";
import { keepWarnings } from "../../../../internal/testkit/src/process-warnings.js";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { keepUncaught } from "../../../../internal/testkit/src/uncaught-exceptions.js";
import { HandledMessages, probe, succeed, WAYS } from "../../test/handled-messages.js";
import { noOrigin } from "../../test/no-origin.js";
import { message, nextTick, recordedInbox } from "../../test/recorded-inbox.js";
import { ServingPeer } from "../../test/successive-clients.js";
import type { DataMessage } from "../message.js";
import { OpenSteps } from "../open-steps.js";
import { EarlierConnections } from "./earlier-connections.js";

const LOST = "IPC_CONNECTION_LOST";

describe.each(Object.entries(WAYS))("a write of a server whose messages go to %s", (_way, start) => {
  it("reaches the next client when the earlier one's last message is handled, as do flush, security and remote", async () => {
    const serving = new ServingPeer();
    const messages = start(serving);
    const b = await succeed(serving, "a1", "a2");
    await messages.begin("a1");
    expect([await probe(serving, b), serving.peer.remote]).toEqual([LOST, "A"]);
    await messages.finish("a1");
    await messages.begin("a2");
    expect(await failureOf(serving.peer.write(2, "late"))).toMatchObject({
      code: LOST,
      message:
        "write: the earlier client has disconnected, and its messages are still being handled; answer each by its `reply`",
    });
    expect(await failureOf(serving.peer.flush())).toMatchObject({ code: LOST });
    await messages.finish("a2");
    expect([await probe(serving, b), serving.peer.remote]).toEqual(["B", "B"]);
    await serving.peer.flush();
  });

  it("rejects wrong arguments first while it is held", async () => {
    const serving = new ServingPeer();
    start(serving);
    await succeed(serving, "a1");
    expect(await failureOf(serving.peer.write(0, "x"))).toBeInstanceOf(RangeError);
  });

  it("is rejected with IPC_NOT_CONNECTED while nothing is connected", async () => {
    const serving = new ServingPeer();
    const messages = start(serving);
    const a = serving.connect("A");
    await serving.send(a, "a1");
    await serving.disconnect(a);
    await messages.begin("a1");
    expect(await probe(serving)).toBe("IPC_NOT_CONNECTED");
    expect(serving.peer.remote).toBe("A");
  });

  it("reaches the next client at once after a client that sent nothing", async () => {
    const serving = new ServingPeer();
    start(serving);
    const b = await succeed(serving);
    expect(await probe(serving, b)).toBe("B");
  });

  it("reaches no client before the messages of each earlier one are handled", async () => {
    const serving = new ServingPeer();
    const messages = start(serving);
    const b = await succeed(serving, "a1");
    await serving.send(b, "b1");
    await serving.disconnect(b);
    const silent = serving.connect("silent");
    await serving.disconnect(silent);
    const c = serving.connect("C");
    await serving.send(c, "c1");
    expect([await probe(serving, c), serving.peer.remote]).toEqual([LOST, "A"]);
    await messages.finish("a1");
    await messages.begin("b1");
    expect([await probe(serving, c), serving.peer.remote]).toEqual([LOST, "B"]);
    await messages.finish("b1");
    expect([await probe(serving, c), serving.peer.remote]).toEqual(["C", "C"]);
    expect(silent.received).toEqual([]);
  });
});

describe("a write of a server that leaves messages unread", () => {
  it("reaches the next client at once when nothing reads", async () => {
    const serving = new ServingPeer();
    const b = await succeed(serving, "a1");
    expect([await probe(serving, b), serving.peer.remote]).toEqual(["B", "B"]);
  });

  it("reaches the next client at once when the listener was removed", async () => {
    const serving = new ServingPeer();
    const listener = (): void => {};
    serving.peer.on("message", listener).pause();
    const b = await succeed(serving, "a1");
    expect(await probe(serving, b)).toBe(LOST);
    serving.peer.off("message", listener);
    expect(await probe(serving, b)).toBe("B");
  });

  it("reaches the next client at once when the iteration was left, and is held again by the next one", async () => {
    const serving = new ServingPeer();
    const iterator = serving.peer[Symbol.asyncIterator]();
    const b = await succeed(serving, "a1", "a2", "a3");
    await iterator.next();
    expect(await probe(serving, b)).toBe(LOST);
    await iterator.return?.();
    expect(await probe(serving, b)).toBe("B");
    const next = serving.peer[Symbol.asyncIterator]();
    await next.next();
    expect([await probe(serving, b), serving.peer.remote]).toEqual([LOST, "A"]);
    await next.next();
    expect(await probe(serving, b)).toBe(LOST);
    const pending = next.next();
    expect(await probe(serving, b)).toBe("B");
    await next.return?.();
    await pending;
  });

  it("is held while listeners are paused, and after a read", async () => {
    const serving = new ServingPeer();
    serving.peer.on("message", () => {}).pause();
    const b = await succeed(serving, "a1");
    expect(await probe(serving, b)).toBe(LOST);
    serving.peer.resume();
    await nextTick();
    expect(await probe(serving, b)).toBe("B");

    const other = new ServingPeer();
    await other.peer.readTimed(0);
    const next = await succeed(other, "a1");
    expect(await probe(other, next)).toBe(LOST);
    expect((await readData(other.peer)).text()).toBe("a1");
    expect(await probe(other, next)).toBe(LOST);
    await other.peer.readTimed(0);
    expect(await probe(other, next)).toBe("B");
  });

  it("is held by a read until another read begins, for which the reader does not wait", async () => {
    const serving = new ServingPeer();
    const b = await succeed(serving, "a1", "a2");
    await readData(serving.peer);
    const listener = (): void => {};
    serving.peer.on("message", listener).pause();
    serving.peer.off("message", listener);
    expect(await probe(serving, b)).toBe("B");
  });
});

describe("a write of a server with listeners", () => {
  it("is held during the last listener of a message that was unread", async () => {
    const serving = new ServingPeer();
    const probes: Promise<string>[] = [];
    const remotes: string[] = [];
    const b = await succeed(serving, "a1", "a2");
    serving.peer.on("message", () => {
      remotes.push(serving.peer.remote);
      probes.push(probe(serving, b));
    });
    await serving.send(b, "b1");
    expect(await Promise.all(probes)).toEqual([LOST, LOST, "B"]);
    expect(remotes).toEqual(["A", "A", "B"]);
  });

  it("reaches the next client when the promise of every listener has settled, once added with once, and rejected", async () => {
    const [caught, warnings] = [keepUncaught(), keepWarnings()];
    const serving = new ServingPeer();
    const [first, second] = [new HandledMessages(), new HandledMessages()];
    serving.peer.on("message", first.handle);
    serving.peer.once("message", async (message: DataMessage) => {
      await second.handle(message);
      throw new TypeError("a defect of the listener");
    });
    const b = await succeed(serving, "a1");
    await first.begin("a1");
    await first.finish("a1");
    expect(await probe(serving, b)).toBe(LOST);
    await second.finish("a1");
    expect(await probe(serving, b)).toBe("B");
    expect(warnings).toMatchObject([[expect.any(String), { code: "IPC_LISTENER_FAILED" }]]);
    expect(caught).toEqual([]);
  });

  it("waits for any object with a method then, which may call back twice", async () => {
    const serving = new ServingPeer();
    const settle: (() => void)[] = [];
    // biome-ignore lint/suspicious/noThenProperty: a promise of another library
    const thenable = { then: (resolve: () => void) => settle.push(resolve, resolve) };
    serving.peer.on("message", () => thenable);
    const b = await succeed(serving, "a1");
    await eventually(() => expect(settle).toHaveLength(2));
    expect(await probe(serving, b)).toBe(LOST);
    for (const each of settle) each();
    await nextTick();
    expect(await probe(serving, b)).toBe("B");
  });

  it("never reaches the next client when one never settles; its messages are delivered, and replies reach it", async () => {
    const serving = new ServingPeer();
    const messages = WAYS["an async listener"](serving);
    const b = await succeed(serving, "stuck");
    serving.peer.on("message", (message) => void message.reply(2, `to ${message.remote}`));
    await serving.send(b, "b1");
    await messages.finish("b1");
    expect([await probe(serving, b), serving.peer.remote]).toEqual([LOST, "A"]);
    await eventually(() => expect(b.received).toEqual(["to B"]));
  });
});

describe("two concurrent readers of a server", () => {
  it("keep a write from the next client until both have read again", async () => {
    const serving = new ServingPeer();
    const readers = [WAYS.reads(serving), WAYS.reads(serving)];
    const b = await succeed(serving, "a1", "a2");
    await eventually(() => expect(readers.map(({ begun }) => begun.length)).toEqual([1, 1]));
    const [first, second] = readers[0]?.begun[0] === "a1" ? readers : readers.reverse();
    if (first === undefined || second === undefined) return expect.unreachable();
    await second.finish("a2");
    expect(await probe(serving, b)).toBe(LOST);
    // The second reader handles a message of B and reads again, but the first one is still at work.
    await serving.send(b, "b1");
    await second.begin("b1");
    await second.finish("b1");
    expect([await probe(serving, b), serving.peer.remote]).toEqual([LOST, "A"]);
    await first.finish("a1");
    expect(await probe(serving, b)).toBe("B");
  });
});

it.each([
  ["a read that times out", (peer: ServingPeer["peer"]) => peer.readTimed(1, "none")],
  ["a status", (peer: ServingPeer["peer"]) => peer.read()],
])("a reader that got %s does not end the step of another", async (_what, first) => {
  // Both wait when the message comes.
  const pass = stopClock();
  const serving = new ServingPeer();
  const { peer } = serving;
  const a = serving.connect("A");
  expect(await peer.read()).toMatchObject({ status: "Connected" });
  // This call says that the step of the status is over, and waits first.
  const busy = peer.readTimed(1_000_000);
  const idle = first(peer);
  await serving.send(a, "a1");
  expect(await busy).toMatchObject({ kind: "data" });
  pass(1);
  await serving.disconnect(a);
  await idle;
  const b = serving.connect("B");
  const again = peer.read();
  expect(await probe(serving, b)).toBe(LOST);
  void again.catch(() => {});
});

it("an earlier client leaves nothing when it sent nothing, or when its messages are handled", () => {
  const { inbox, consumer } = recordedInbox();
  const earlier = new EarlierConnections(inbox, consumer);
  // Other tests may have left steps of theirs open.
  const origin = { ...noOrigin, steps: new OpenSteps(() => {}) };
  inbox.push(message(1));
  earlier.add(origin);
  for (let client = 0; client < 100; client++) earlier.add(origin);
  expect([earlier.size, earlier.isHolding]).toEqual([1, false]);
  inbox.take();
  earlier.add(origin);
  expect(earlier.size).toBe(0);
});

describe("a held server that ends", () => {
  it("sends its replies to the connected client when it closes", async () => {
    const serving = new ServingPeer();
    WAYS["an async listener"](serving);
    const b = await succeed(serving, "a1");
    serving.peer.on("message", (message) => void message.reply(2, "reply"));
    await serving.send(b, "b1");
    expect(await probe(serving, b)).toBe(LOST);
    const closed = serving.peer.close();
    expect(await probe(serving, b)).toBe("IPC_CLOSED");
    await closed;
    await eventually(() => expect(b.received).toEqual(["reply"]));
  });

  it("ends the connection of the client when it is destroyed", async () => {
    const serving = new ServingPeer();
    WAYS["an iteration"](serving);
    const b = await succeed(serving, "a1");
    serving.peer.destroy();
    expect(await probe(serving, b)).toBe("IPC_CLOSED");
    await eventually(() => expect(b.stream.destroyed || b.stream.readableEnded).toBe(true));
  });
});

describe("a peer whose connections are all to the same other peer, as a client's", () => {
  it("sends a write over the new connection at once", async () => {
    const serving = new ServingPeer(false);
    const messages = WAYS["an iteration"](serving);
    const b = await succeed(serving, "a1", "a2");
    await messages.begin("a1");
    expect([await probe(serving, b), serving.peer.remote]).toEqual(["B", "B"]);
  });
});
