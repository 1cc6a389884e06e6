import { memoryPair } from "@ipc/transport";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { collect, failureOf, nextEvent } from "../../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { nextTurn } from "../../test/held-sender.js";
import { type DrainMember, joinDrain } from "./drain.js";
import { openSession, type Session } from "./session.js";

const FOREVER_MS = 1_000_000;

interface Both {
  readonly session: Session;
  readonly peer: Session;
}

async function open(encryption: boolean): Promise<Both> {
  const [near, far] = memoryPair();
  const [session, peer] = await Promise.all([
    openSession(near, { role: "server", encryption }),
    openSession(far, { role: "client", encryption }),
  ]);
  onTestFinished(() => {
    session.destroy();
    peer.destroy();
  });
  return { session, peer };
}

/** A promise, and how to resolve it. */
function pending(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function join(session: Session, member: DrainMember): void {
  (session as unknown as { [joinDrain](member: DrainMember): void })[joinDrain](member);
}

/** Stops the clock, and returns what lets the time pass after which an idle connection is closed. */
function stoppedClock(): () => Promise<void> {
  const pass = stopClock();
  return async () => {
    // Messages in flight arrive, time passes, and the drain checks again.
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    pass(300);
    await nextTurn();
  };
}

describe.each([
  ["plain", false],
  ["secure", true],
])("drain of a session, %s", (_mode, encryption) => {
  it("notifies the peer, and closes the connection when this side is idle", async () => {
    const { session, peer } = await open(encryption);
    const statuses: string[] = [];
    peer.on("draining", () => statuses.push(peer.status));
    const lost = collect(peer, "lost");
    const ended = nextEvent(peer, "close");
    await session.drain({ timeoutMs: FOREVER_MS });
    await ended;
    expect([session.status, statuses, lost]).toEqual(["Closed", ["Connected"], []]);
  });

  it("ends both sides that drain at once, and loses nothing", async () => {
    const { session, peer } = await open(encryption);
    const sides = [session, peer];
    const received = sides.map((side) => collect(side, "message"));
    const losses = sides.flatMap((side) => [collect(side, "lost"), collect(side, "error")]);
    const drained = sides.map(async (side) => {
      for (let count = 0; count < 100; count++) await side.write(1, `${count}`);
      await side.drain({ timeoutMs: FOREVER_MS });
    });
    await Promise.all(drained);
    expect(received.map((messages) => messages.length)).toEqual([100, 100]);
    expect(losses.flat()).toEqual([]);
  });

  it("delivers what the peer finishes after `draining`, and sends the answers", async () => {
    const { session, peer } = await open(encryption);
    session.on("message", (message) => message.reply(1, message.data));
    const answers = collect(peer, "message");
    const ended = nextEvent(peer, "close");
    peer.on("draining", async () => {
      for (let count = 0; count < 1_000; count++) await peer.write(1, `${count}`);
    });
    await session.drain({ timeoutMs: FOREVER_MS });
    await ended;
    expect(answers.map((message) => message.text())).toEqual(Array.from({ length: 1_000 }, (_, count) => `${count}`));
  });
});

describe("drain of a session", () => {
  it("closes although the peer sends PINGs", async () => {
    const [near, far] = memoryPair();
    const opening = openSession(near, { role: "server", encryption: false, heartbeatMs: 0 });
    const peer = await openSession(far, { role: "client", encryption: false, heartbeatMs: 20 });
    onTestFinished(() => peer.destroy());
    const session = await opening;
    await session.drain({ timeoutMs: FOREVER_MS });
    expect(session.status).toBe("Closed");
  });

  it("returns the same promise twice", async () => {
    const { session } = await open(false);
    const drained = session.drain();
    expect(session.drain({ timeoutMs: 0 })).toBe(drained);
    await drained;
    expect(session.drain()).toBe(drained);
  });

  it("waits until the promise of a listener has settled", async () => {
    const { session, peer } = await open(false);
    const step = pending();
    const handled: string[] = [];
    session.on("message", async (message) => {
      await step.promise;
      handled.push(message.text(), session.status);
    });
    await peer.write(1, "a");
    await eventually(() => expect(session.stats.messagesReceived).toBe(1));
    const passIdle = stoppedClock();
    const drained = session.drain({ timeoutMs: FOREVER_MS });
    await passIdle();
    step.resolve();
    await passIdle();
    await drained;
    expect(handled).toEqual(["a", "Connected"]);
  });

  it("waits until an iteration asks for the next message", async () => {
    const { session, peer } = await open(false);
    for (const text of ["a", "b", "c"]) await peer.write(1, text);
    await eventually(() => expect(session.stats.messagesReceived).toBe(3));
    const passIdle = stoppedClock();
    const messages = session[Symbol.asyncIterator]();
    let drained: Promise<void> | undefined;
    const handled: unknown[] = [];
    for (let count = 0; count < 3; count++) {
      const { value } = await messages.next();
      drained ??= session.drain({ timeoutMs: FOREVER_MS });
      await passIdle();
      handled.push(value?.text(), session.status);
    }
    expect(handled).toEqual(["a", "Connected", "b", "Connected", "c", "Connected"]);
    const end = messages.next();
    await passIdle();
    expect(await end).toEqual({ done: true, value: undefined });
    await drained;
  });

  it("waits for the messages of a peer that has closed", async () => {
    const { session, peer } = await open(false);
    const step = pending();
    session.on("message", () => step.promise);
    await peer.write(1, "a");
    const drained = session.drain({ timeoutMs: FOREVER_MS });
    let isDrained = false;
    void drained.then(() => {
      isDrained = true;
    });
    await peer.close();
    await eventually(() => expect(session.status).toBe("Disconnected"));
    expect(isDrained).toBe(false);
    step.resolve();
    await drained;
  });

  it("waits for the work of a layer, and notifies it of the drain", async () => {
    const { session } = await open(false);
    const passIdle = stoppedClock();
    const layer = { isWorking: true, drains: 0, isBusy: () => layer.isWorking, onDrain: () => void layer.drains++ };
    join(session, layer);
    expect(layer.drains).toBe(0);
    const drained = session.drain({ timeoutMs: FOREVER_MS });
    expect(layer.drains).toBe(1);
    await passIdle();
    expect(session.status).toBe("Connected");
    layer.isWorking = false;
    await passIdle();
    await drained;
    expect([session.status, layer.drains]).toEqual(["Closed", 1]);
  });

  it("notifies a layer that joins later at once, and waits for all layers", async () => {
    const { session } = await open(false);
    const passIdle = stoppedClock();
    const drained = session.drain({ timeoutMs: FOREVER_MS });
    const layers = [0, 1].map(() => ({ isWorking: true, drains: 0 }));
    for (const layer of layers) {
      join(session, { isBusy: () => layer.isWorking, onDrain: () => void layer.drains++ });
    }
    expect(layers.map(({ drains }) => drains)).toEqual([1, 1]);
    for (const layer of layers) {
      await passIdle();
      expect(session.status).toBe("Connected");
      layer.isWorking = false;
    }
    await passIdle();
    await drained;
    expect(session.status).toBe("Closed");
  });

  it("does not wait for messages that nothing reads", async () => {
    const { session, peer } = await open(false);
    await peer.write(1, "a");
    await eventually(() => expect(session.stats.unreadBytes).toBeGreaterThan(0));
    await session.drain({ timeoutMs: FOREVER_MS });
    expect(session.status).toBe("Closed");
  });

  it("waits for a peer that reads slowly, which gets everything that was written", async () => {
    const [near, far] = memoryPair();
    const opening = openSession(near, { role: "server", encryption: false });
    const raw = new RawPeer(far);
    await raw.join();
    const session = await opening;
    far.pause();
    for (let count = 0; count < 3; count++) void session.write(1, new Uint8Array(100_000));
    const passIdle = stoppedClock();
    const drained = session.drain({ timeoutMs: FOREVER_MS });
    for (let pass = 0; pass < 5; pass++) await passIdle();
    expect([session.status, session.stats.queuedBytes > 0]).toEqual(["Connected", true]);
    far.resume();
    // Length, type and data.
    const frame = Buffer.concat([Buffer.from("000186a400000001", "hex"), Buffer.alloc(100_000)]);
    for (let count = 0; count < 3; count++) expect(frame.equals(await raw.read(frame.length))).toBe(true);
    await passIdle();
    await drained;
  });

  it("closes after `timeoutMs` while a step is unfinished", async () => {
    const { session, peer } = await open(false);
    session.on("message", () => new Promise(() => {}));
    await peer.write(1, "a");
    await eventually(() => expect(session.stats.messagesReceived).toBe(1));
    await session.drain({ timeoutMs: 300 });
    expect(session.status).toBe("Closed");
  });

  it.each(["close", "destroy"] as const)("ends early when a %s is called", async (how) => {
    const { session } = await open(false);
    const drained = session.drain({ timeoutMs: FOREVER_MS });
    await session[how]();
    await drained;
    expect(session.status).toBe("Closed");
  });

  it.each(["close", "destroy"] as const)("does nothing after a %s", async (how) => {
    const { session, peer } = await open(false);
    const drains = collect(peer, "draining");
    await session[how]();
    await session.drain({ timeoutMs: FOREVER_MS });
    expect(drains).toEqual([]);
  });

  it.each([
    [{ timeoutMs: -1 }, "drain: `timeoutMs` takes milliseconds, 0 … 2147483647, got -1"],
    [null, "drain: takes an object of options, got null"],
  ])("rejects %j", async (options, message) => {
    const { session } = await open(false);
    expect((await failureOf(session.drain(options as never))).message).toBe(message);
    expect(session.status).toBe("Connected");
  });
});
