import { describe, expect, it, vi } from "vitest";
import { closed, lost, message, nextTick, recordedInbox, shown } from "../../test/recorded-inbox.js";
import type { Inbox } from "./inbox.js";

function takeAll(inbox: Inbox): (number | string)[] {
  const taken: (number | string)[] = [];
  for (let next = inbox.take(); next !== undefined; next = inbox.take()) taken.push(shown(next));
  return taken;
}

function giveBack(inbox: Inbox): void {
  inbox.releaseReader();
  inbox.dispatch();
}

describe("an inbox with a reader lock", () => {
  it("says at once that something is there to be taken, and is silent where nothing is", () => {
    const { inbox } = recordedInbox();
    const ready = vi.fn();
    expect(inbox.acquireReader(ready)).toBe(true);
    expect(ready).not.toHaveBeenCalled();
    giveBack(inbox);
    inbox.push(message(1));
    expect(inbox.acquireReader(ready)).toBe(true);
    expect(ready).toHaveBeenCalledOnce();
  });

  it("says so at every message and status, and at the end", () => {
    const { inbox } = recordedInbox();
    const taken: unknown[] = [];
    inbox.acquireReader(() => taken.push(takeAll(inbox), inbox.isOver));
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    inbox.end("done", closed);
    expect(taken).toEqual([[1], false, ["Disconnected"], false, [], true]);
  });

  it("gives messages and statuses in order, and tells listeners of a status when nothing stands before it", () => {
    const { inbox, told } = recordedInbox();
    inbox.acquireReader(() => {});
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    inbox.push(message(2));
    expect(told).toEqual([]);
    expect(shown(inbox.take() ?? message(0))).toBe(1);
    expect(told).toEqual(["status Disconnected"]);
    expect(takeAll(inbox)).toEqual(["Disconnected", 2]);
    expect(told).toEqual(["status Disconnected"]);
  });

  it("gives nothing while paused, and says that it is ready after resume", async () => {
    const { inbox } = recordedInbox();
    const ready = vi.fn();
    inbox.pause();
    inbox.acquireReader(ready);
    inbox.push(message(1));
    expect(inbox.take()).toBeUndefined();
    inbox.resume();
    ready.mockClear();
    await nextTick();
    expect(ready).toHaveBeenCalledOnce();
    expect(takeAll(inbox)).toEqual([1]);
  });

  it("refuses every other consumer, until it is given back", async () => {
    const { inbox } = recordedInbox();
    inbox.acquireReader(() => {});
    const taken = {
      code: "IPC_CONSUMER_TAKEN",
      message: expect.stringContaining("messages already go to a reader of all connections"),
    };
    await expect(inbox.read("read", {})).rejects.toMatchObject(taken);
    await expect(inbox.readTimed(1, undefined, {})).rejects.toMatchObject(taken);
    await expect(inbox.iterate().next()).rejects.toMatchObject(taken);
    expect(() => inbox.listen()).toThrow(expect.objectContaining(taken));
    expect(inbox.acquireReader(() => {})).toBe(false);
    giveBack(inbox);
    inbox.push(message(1));
    expect(shown(await inbox.read("read", {}))).toBe(1);
  });

  it("loses nothing when it is given back, and says no more that it is ready", async () => {
    const { inbox } = recordedInbox();
    const ready = vi.fn();
    inbox.acquireReader(ready);
    inbox.push(message(1));
    inbox.push(message(2));
    inbox.take();
    giveBack(inbox);
    ready.mockClear();
    inbox.push(message(3));
    inbox.pushStatus("Disconnected");
    inbox.resume();
    await nextTick();
    expect(ready).not.toHaveBeenCalled();
    const reads = [inbox.read("read", {}), inbox.read("read", {}), inbox.read("read", {})];
    expect((await Promise.all(reads)).map(shown)).toEqual([2, 3, "Disconnected"]);
  });
});

describe("an inbox gives no reader lock while it is read singly", () => {
  it("by a read that waits, an iteration, or a listener; but afterwards", async () => {
    const { inbox, told } = recordedInbox();
    const read = inbox.read("read", {});
    expect(inbox.acquireReader(() => {})).toBe(false);
    inbox.push(message(1));
    await read;

    const iterator = inbox.iterate();
    const next = iterator.next();
    expect(inbox.acquireReader(() => {})).toBe(false);
    inbox.push(message(2));
    await next;
    expect(inbox.acquireReader(() => {})).toBe(false);
    await iterator.return?.();

    inbox.listen();
    expect(inbox.acquireReader(() => {})).toBe(false);
    // No reader lock was acquired: its release takes nothing from the listener.
    giveBack(inbox);
    inbox.push(message(3));
    await nextTick();
    expect(told).toEqual(["message 3"]);
    inbox.unlisten();
    expect(inbox.acquireReader(() => {})).toBe(true);
  });

  it("and remembers that it was, by each of these, and not by a reader lock", async () => {
    const ways: ((inbox: Inbox) => Promise<unknown>)[] = [
      (inbox) => inbox.read("read", {}),
      (inbox) => inbox.readTimed(0, undefined, {}),
      (inbox) => inbox.iterate().next(),
      async (inbox) => inbox.listen(),
    ];
    for (const way of ways) {
      const { inbox } = recordedInbox();
      inbox.acquireReader(() => {});
      inbox.push(message(1));
      inbox.take();
      inbox.push(message(2));
      await way(inbox).catch(() => {});
      giveBack(inbox);
      expect(inbox.hasBeenRead).toBe(false);
      await way(inbox);
      expect(inbox.hasBeenRead).toBe(true);
    }
  });
});

describe("an inbox that was read singly", () => {
  it("forgets that when a reader lock is acquired", async () => {
    const { inbox } = recordedInbox();
    inbox.push(message(1));
    await inbox.read("read", {});
    expect(inbox.hasBeenRead).toBe(true);
    inbox.acquireReader(() => {});
    giveBack(inbox);
    expect(inbox.hasBeenRead).toBe(false);
  });

  it("says when an iteration or its listeners let go, and not when a reader lock is released", async () => {
    const { inbox } = recordedInbox();
    const released = vi.fn();
    inbox.released = released;
    inbox.acquireReader(() => {});
    giveBack(inbox);
    inbox.unlisten();
    expect(released).not.toHaveBeenCalled();
    const iterator = inbox.iterate();
    void iterator.next();
    await iterator.return?.();
    expect(released).toHaveBeenCalledTimes(1);
    inbox.listen();
    inbox.unlisten();
    expect(released).toHaveBeenCalledTimes(2);
  });

  it("releases its reader lock without a word; what was held up comes when it moves on", () => {
    const { inbox, told } = recordedInbox();
    inbox.acquireReader(() => {});
    inbox.push(message(1));
    inbox.end("done", closed);
    inbox.releaseReader();
    expect(told).toEqual([]);
    inbox.dispatch();
    expect(told).toEqual(["ended"]);
  });
});

describe("the end of an inbox with a reader lock", () => {
  it.each([
    ["done", closed],
    ["failed", lost],
  ] as const)("%s: what is unread is taken before it is over, and before the end is told", (kind, error) => {
    const { inbox, told } = recordedInbox();
    inbox.acquireReader(() => {});
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    inbox.end(kind, error);
    expect([inbox.isOver, told]).toEqual([false, []]);
    expect(shown(inbox.take() ?? message(0))).toBe(1);
    expect([inbox.isOver, told]).toEqual([false, ["status Disconnected", "ended"]]);
    expect(takeAll(inbox)).toEqual(["Disconnected"]);
    expect([inbox.isOver, told]).toEqual([true, ["status Disconnected", "ended"]]);
  });

  it("is told when it is given back, and what is unread can still be read", async () => {
    const { inbox, told } = recordedInbox();
    inbox.acquireReader(() => {});
    inbox.push(message(1));
    inbox.end("done", closed);
    expect(told).toEqual([]);
    giveBack(inbox);
    expect([inbox.isOver, told]).toEqual([false, ["ended"]]);
    expect(shown(await inbox.read("read", {}))).toBe(1);
    expect(inbox.isOver).toBe(true);
    await expect(inbox.read("read", {})).rejects.toMatchObject({ code: "IPC_CLOSED" });
  });

  it("destroyed: is over at once, says that it is ready, and nothing is taken", () => {
    const { inbox, told } = recordedInbox();
    inbox.push(message(1));
    const ready = vi.fn();
    inbox.acquireReader(ready);
    ready.mockClear();
    inbox.end("destroyed", closed);
    expect(ready).toHaveBeenCalledOnce();
    expect([inbox.isOver, inbox.take(), told]).toEqual([true, undefined, ["ended"]]);
  });

  it("that came before the reader lock is said at once", () => {
    const { inbox } = recordedInbox();
    inbox.end("done", closed);
    const ready = vi.fn();
    expect(inbox.acquireReader(ready)).toBe(true);
    expect(ready).toHaveBeenCalledOnce();
    expect(inbox.isOver).toBe(true);
  });
});
