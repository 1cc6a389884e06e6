import { describe, expect, it, vi } from "vitest";
import { closed, lost, message, nextTick, recordedInbox, shown } from "../../test/recorded-inbox.js";
import type { DataMessage } from "../message.js";
import type { InboxConsumer } from "./inbox.js";

function lock(consumer: InboxConsumer, ready: () => void = () => {}): void {
  consumer.lock("test", "a lock", { ready, offer: () => false });
}

function takeAll(consumer: InboxConsumer): (number | string)[] {
  const taken: (number | string)[] = [];
  for (let next = consumer.take(); next !== undefined; next = consumer.take()) taken.push(shown(next));
  return taken;
}

describe("the holder of a lock", () => {
  it("is notified of a first message, of each status and of the end, and takes them in order", () => {
    const { inbox, consumer } = recordedInbox();
    const taken: unknown[] = [];
    lock(consumer, () => taken.push(takeAll(consumer), inbox.isOver));
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    inbox.finish("done", closed);
    expect(taken).toEqual([[1], false, ["Disconnected"], false, [], true]);
  });

  it("gets nothing during a pause, and is notified when it is over", async () => {
    const { inbox, consumer } = recordedInbox();
    const ready = vi.fn();
    consumer.pause();
    lock(consumer, ready);
    inbox.push(message(1));
    expect(consumer.take()).toBeUndefined();
    consumer.resume();
    ready.mockClear();
    await nextTick();
    expect(ready).toHaveBeenCalledOnce();
    expect(takeAll(consumer)).toEqual([1]);
  });

  it("is offered a message that nothing precedes, unless a pause holds it back, and is notified of one that it declines", () => {
    const { inbox, consumer } = recordedInbox();
    const ready = vi.fn();
    const offer = vi.fn(({ type }: DataMessage) => type === 1);
    consumer.lock("test", "a lock", { ready, offer });
    inbox.push(message(1));
    expect([inbox.isEmpty, ready.mock.calls.length]).toEqual([true, 0]);
    inbox.push(message(2));
    inbox.push(message(1));
    expect([offer.mock.calls.length, ready.mock.calls.length]).toEqual([2, 1]);
    expect(takeAll(consumer)).toEqual([2, 1]);
    consumer.pause();
    inbox.push(message(1));
    expect([offer.mock.calls.length, inbox.isEmpty]).toEqual([2, false]);
  });

  it("can drop statuses, which are announced all the same", async () => {
    const { inbox, consumer, events } = recordedInbox();
    lock(consumer);
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    inbox.push(message(2));
    expect([consumer.takeData()?.type, consumer.takeData()?.type, consumer.takeData()]).toEqual([1, 2, undefined]);
    await nextTick();
    expect(events).toEqual(["status Disconnected"]);
  });

  it.each(["take", "takeData"] as const)(
    "delivers what it takes by %s before a status and the end are announced",
    async (way) => {
      const { inbox, consumer, events } = recordedInbox();
      lock(consumer, () => {
        for (let next = consumer[way](); next !== undefined; next = consumer[way]()) events.push(`took ${shown(next)}`);
      });
      consumer.pause();
      inbox.push(message(1));
      inbox.pushStatus("Disconnected");
      inbox.finish("done", closed);
      consumer.resume();
      await nextTick();
      expect(events.filter((event) => event !== "took Disconnected")).toEqual([
        "took 1",
        "status Disconnected",
        "ended",
      ]);
    },
  );

  it("delivers what it is offered before a status and the end that follow from it are announced", async () => {
    const { inbox, consumer, events } = recordedInbox();
    const offer = ({ type }: DataMessage): boolean => {
      inbox.pushStatus("Disconnected");
      inbox.finish("done", closed);
      events.push(`was offered ${type}`);
      return true;
    };
    consumer.lock("test", "a lock", { ready: () => {}, offer });
    inbox.push(message(1));
    await nextTick();
    expect(events).toEqual(["was offered 1", "status Disconnected", "ended"]);
  });

  it("is notified of a status before the status is announced", async () => {
    const { inbox, consumer, events } = recordedInbox();
    lock(consumer, () => events.push("ready"));
    inbox.pushStatus("Disconnected");
    expect(events).toEqual(["ready"]);
    await nextTick();
    expect(events).toEqual(["ready", "status Disconnected"]);
  });

  it("keeps every other consumer out until it unlocks, and leaves the rest to them", async () => {
    const { inbox, consumer } = recordedInbox();
    const ready = vi.fn();
    lock(consumer, ready);
    const taken = { code: "IPC_CONSUMER_TAKEN", message: expect.stringContaining("messages already go to a lock") };
    await expect(consumer.read("read", {})).rejects.toMatchObject(taken);
    await expect(consumer.iterate().next()).rejects.toMatchObject(taken);
    expect(() => consumer.listen()).toThrow(expect.objectContaining(taken));
    expect(() => lock(consumer)).toThrow(expect.objectContaining(taken));
    inbox.push(message(1));
    inbox.push(message(2));
    consumer.take();
    consumer.unlock();
    ready.mockClear();
    inbox.push(message(3));
    inbox.pushStatus("Disconnected");
    consumer.resume();
    await nextTick();
    expect(ready).not.toHaveBeenCalled();
    const reads = [consumer.read("read", {}), consumer.read("read", {}), consumer.read("read", {})];
    expect((await Promise.all(reads)).map(shown)).toEqual([2, 3, "Disconnected"]);
  });

  it("takes no message from a listener when it unlocks twice", async () => {
    const { inbox, consumer, events } = recordedInbox();
    lock(consumer);
    consumer.unlock();
    consumer.listen();
    consumer.unlock();
    await nextTick();
    inbox.push(message(1));
    expect(events).toEqual(["message 1"]);
  });
});

describe("the end of a locked source", () => {
  it.each([
    ["done", closed],
    ["failed", lost],
  ] as const)("%s is announced when the messages are taken, and is over when the statuses are", async (kind, error) => {
    const { inbox, consumer, events } = recordedInbox();
    lock(consumer);
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    inbox.finish(kind, error);
    expect([inbox.isOver, events]).toEqual([false, []]);
    expect(shown(consumer.take() ?? message(0))).toBe(1);
    await nextTick();
    expect([inbox.isOver, events]).toEqual([false, ["status Disconnected", "ended"]]);
    expect(takeAll(consumer)).toEqual(["Disconnected"]);
    await nextTick();
    expect([inbox.isOver, events]).toEqual([true, ["status Disconnected", "ended"]]);
  });

  it("is announced after the unlock, and unread messages can still be read", async () => {
    const { inbox, consumer, events } = recordedInbox();
    lock(consumer);
    inbox.push(message(1));
    inbox.finish("done", closed);
    consumer.unlock();
    expect(events).toEqual([]);
    await nextTick();
    expect([inbox.isOver, events]).toEqual([false, ["ended"]]);
    expect(shown(await consumer.read("read", {}))).toBe(1);
    expect(inbox.isOver).toBe(true);
  });

  it("leaves nothing to announce", async () => {
    const { inbox, consumer } = recordedInbox();
    lock(consumer);
    inbox.pushStatus("Connected");
    expect(inbox.hasAnnouncements).toBe(true);
    await nextTick();
    expect(inbox.hasAnnouncements).toBe(false);
    inbox.pushStatus("Disconnected");
    inbox.finish("done", closed);
    await nextTick();
    expect(inbox.hasAnnouncements).toBe(false);
  });

  it("destroyed is over at once, and nothing is taken any more", async () => {
    const { inbox, consumer, events } = recordedInbox();
    inbox.push(message(1));
    const ready = vi.fn();
    lock(consumer, ready);
    inbox.finish("destroyed", closed);
    expect(ready).toHaveBeenCalledOnce();
    expect([inbox.isOver, consumer.take()]).toEqual([true, undefined]);
    await nextTick();
    expect(events).toEqual(["ended"]);
  });
});

describe("a consumer", () => {
  it.each<[string, (consumer: InboxConsumer) => unknown]>([
    ["a read", (consumer) => consumer.read("read", {})],
    ["an iteration", (consumer) => consumer.iterate().next()],
    ["a listener", (consumer) => consumer.listen()],
  ])("has been read after %s, and not after one that a lock rejected, until it is locked", async (_what, consume) => {
    const { inbox, consumer } = recordedInbox();
    lock(consumer);
    inbox.push(message(1));
    await Promise.resolve()
      .then(() => consume(consumer))
      .catch(() => {});
    consumer.unlock();
    expect(consumer.hasBeenRead).toBe(false);
    await consume(consumer);
    expect(consumer.hasBeenRead).toBe(true);
  });

  it("does not count as read when it is locked after a read", async () => {
    const { inbox, consumer } = recordedInbox();
    inbox.push(message(1));
    await consumer.read("read", {});
    lock(consumer);
    consumer.unlock();
    expect(consumer.hasBeenRead).toBe(false);
  });

  it("reports when an iteration or listeners begin and end, and not when a lock does", async () => {
    const { consumer } = recordedInbox();
    const reports: string[] = [];
    consumer.onHeld = () => reports.push("held");
    consumer.onReleased = () => reports.push("released");
    lock(consumer);
    consumer.unlock();
    consumer.unlisten();
    expect(reports).toEqual([]);
    const iterator = consumer.iterate();
    void iterator.next();
    await iterator.return?.();
    consumer.listen();
    consumer.unlisten();
    expect(reports).toEqual(["held", "released", "held", "released"]);
  });
});
