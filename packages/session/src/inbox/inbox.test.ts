import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { closed, lost, message, nextTick, recordedInbox, shown } from "../../test/recorded-inbox.js";
import { SharedBudget } from "../shared-budget.js";

const COST = 160;

describe("an inbox that is full", () => {
  it("asks for a pause at its limit, and for more below half of it, not before the call that took a message is over", async () => {
    const { inbox, events } = recordedInbox(1_000);
    inbox.push(message(1, 500 - COST));
    inbox.push(message(2, 499 - COST));
    expect([inbox.unreadBytes, inbox.isFull, events]).toEqual([999, false, []]);
    inbox.push(message(3));
    expect([inbox.isFull, events]).toEqual([true, ["full"]]);
    inbox.take();
    await nextTick();
    expect(events).toEqual(["full"]);
    inbox.take();
    expect([inbox.isFull, events]).toEqual([true, ["full"]]);
    await nextTick();
    expect([inbox.isFull, events]).toEqual([false, ["full", "room"]]);
  });

  it("asks for more once when several messages are taken in one tick", async () => {
    const { inbox, events } = recordedInbox(1_000);
    for (let type = 1; type <= 7; type++) inbox.push(message(type));
    for (let type = 1; type <= 7; type++) inbox.take();
    await nextTick();
    expect(events).toEqual(["full", "room"]);
  });

  it("asks for no pause when a message larger than the limit is taken at once", async () => {
    const { inbox, consumer, events } = recordedInbox(1_000);
    const read = consumer.read("read", {});
    inbox.push(message(1, 5_000));
    await read;
    consumer.listen();
    await nextTick();
    inbox.push(message(2, 5_000));
    expect([inbox.unreadBytes, events]).toEqual([0, ["message 2"]]);
  });
});

describe("an inbox with a shared budget", () => {
  it("counts unread messages in it, in whichever way they are taken, and counts no statuses", async () => {
    const budget = new SharedBudget(100_000);
    const { inbox, consumer } = recordedInbox(10_000, budget);
    inbox.pushStatus("Connected");
    for (let type = 1; type <= 4; type++) inbox.push(message(type, 1_000));
    expect([budget.used, inbox.unreadBytes]).toEqual([4_640, 4_640]);
    await consumer.read("read", {});
    await consumer.read("read", {});
    expect(budget.used).toBe(3 * 1_160);
    consumer.lock("test", "a lock", { ready: () => {}, offer: () => false });
    consumer.take();
    consumer.unlock();
    const iterator = consumer.iterate();
    await iterator.next();
    await iterator.return?.();
    expect(budget.used).toBe(1_160);
    consumer.listen();
    await nextTick();
    expect(budget.used).toBe(0);
    inbox.push(message(5, 1_000));
    expect(budget.used).toBe(0);
  });

  it("is full when it holds as much as is left for all, and has room below half of that", async () => {
    const budget = new SharedBudget(4_000);
    const { inbox, events } = recordedInbox(1_000_000, budget);
    inbox.push(message(1, 840));
    expect([inbox.isFull, budget.share]).toEqual([false, 3_000]);
    inbox.push(message(2, 840));
    expect([inbox.isFull, budget.share]).toEqual([true, 2_000]);
    // 1 000 unread, 3 000 left: below half of them.
    inbox.take();
    await nextTick();
    expect([inbox.isFull, events]).toEqual([false, ["full", "room"]]);
  });

  it("has room when other inboxes are read, and waits for none of them once it has ended", async () => {
    const budget = new SharedBudget(4_000);
    const { inbox, events } = recordedInbox(10_000, budget);
    const others = [recordedInbox(10_000, budget), recordedInbox(10_000, budget)];
    for (const other of others) other.inbox.push(message(1, 1_040));
    inbox.push(message(1, 540));
    inbox.push(message(2, 40));
    expect([inbox.isFull, budget.waiting]).toEqual([true, 1]);
    for (const other of others) other.inbox.take();
    await nextTurn();
    expect([inbox.isFull, events, budget.waiting]).toEqual([false, ["full", "room"], 0]);
    inbox.push(message(3, 1_540));
    expect([inbox.isFull, budget.waiting]).toEqual([true, 1]);
    inbox.finish("destroyed", closed);
    expect(budget.waiting).toBe(0);
  });

  it("waits for no other inbox at its own limit", () => {
    const budget = new SharedBudget(1_000_000);
    const { inbox } = recordedInbox(1_000, budget);
    inbox.push(message(1, 840));
    expect([inbox.isFull, budget.waiting]).toEqual([true, 0]);
  });

  it("is full at its own limit when that is less", () => {
    const { inbox } = recordedInbox(1_000, new SharedBudget(1_000_000));
    inbox.push(message(1, 840));
    expect(inbox.isFull).toBe(true);
  });

  it("accepts one message at a time when nothing is left", async () => {
    const budget = new SharedBudget(1_000);
    budget.add(5_000);
    const { inbox, consumer, events } = recordedInbox(1_000_000, budget);
    for (let round = 1; round <= 2; round++) {
      inbox.push(message(round));
      expect([inbox.isFull, budget.share]).toEqual([true, 0]);
      inbox.take();
      await nextTick();
      expect(inbox.isFull).toBe(false);
    }
    expect(events).toEqual(["full", "room", "full", "room"]);
    const read = consumer.read("read", {});
    inbox.push(message(3));
    await read;
    expect(inbox.isFull).toBe(false);
  });

  it("stays full until it is empty when nothing is left", async () => {
    const budget = new SharedBudget(1_000);
    const { inbox, events } = recordedInbox(1_000_000, budget);
    inbox.push(message(1, 240));
    inbox.push(message(2, 240));
    budget.add(5_000);
    inbox.take();
    await nextTick();
    expect([events, budget.share]).toEqual([["full"], 0]);
    inbox.take();
    await nextTick();
    expect(events).toEqual(["full", "room"]);
  });

  it("returns its bytes once when it leaves the budget, and counts for itself from then on", () => {
    const budget = new SharedBudget(100_000);
    const { inbox } = recordedInbox(1_000, budget);
    const { inbox: other } = recordedInbox(1_000, budget);
    other.push(message(9, 340));
    inbox.push(message(1, 100));
    inbox.push(message(2, 100));
    inbox.leaveBudget();
    expect([budget.used, inbox.unreadBytes]).toEqual([500, 520]);
    inbox.leaveBudget();
    inbox.take();
    expect([budget.used, inbox.unreadBytes]).toEqual([500, 260]);
  });
});

describe("an inbox announces", () => {
  it("a status after the messages received before it", async () => {
    const { inbox, consumer, events } = recordedInbox();
    inbox.pushStatus("Connected");
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    expect(events).toEqual(["status Connected"]);
    consumer.listen();
    await nextTick();
    expect(events).toEqual(["status Connected", "message 1", "status Disconnected"]);
  });

  it("a status once, when a read takes the last message before it", async () => {
    const { inbox, consumer, events } = recordedInbox();
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    await consumer.read("read", {});
    expect(events).toEqual(["status Disconnected"]);
    expect(shown(await consumer.read("read", {}))).toBe("Disconnected");
    expect(events).toEqual(["status Disconnected"]);
  });

  it("its end after a listener got all messages, even if a pause held them back", async () => {
    const { inbox, consumer, events } = recordedInbox();
    consumer.listen();
    await nextTick();
    consumer.pause();
    inbox.push(message(1));
    inbox.finish("done", closed);
    expect(events).toEqual([]);
    consumer.resume();
    await nextTick();
    expect(events).toEqual(["message 1", "ended"]);
  });

  it("its end after an iteration got all messages", async () => {
    const { inbox, consumer, events } = recordedInbox();
    inbox.push(message(1));
    inbox.push(message(2));
    const iterator = consumer.iterate();
    await iterator.next();
    inbox.finish("failed", lost);
    expect(events).toEqual([]);
    expect((await iterator.next()).value).toMatchObject({ type: 2 });
    expect(events).toEqual(["ended"]);
    await expect(iterator.next()).rejects.toMatchObject({ code: "IPC_CONNECTION_LOST" });
  });

  it.each([
    ["done", closed],
    ["failed", lost],
  ] as const)("its end (%s) and its statuses at once and once when only reads took messages", async (kind, error) => {
    const { inbox, consumer, events } = recordedInbox();
    inbox.push(message(1));
    inbox.push(message(2));
    await consumer.read("read", {});
    inbox.pushStatus("Error");
    inbox.finish(kind, error);
    inbox.finish("done", closed);
    expect(events).toEqual(["status Error", "ended"]);
    expect(shown(await consumer.read("read", {}))).toBe(2);
    expect(shown(await consumer.read("read", {}))).toBe("Error");
    await expect(consumer.read("read", {})).rejects.toMatchObject({ code: error().code });
    expect(events).toEqual(["status Error", "ended"]);
  });

  it("its end at once when only statuses are unread, to a paused listener and to an idle iteration", async () => {
    const { inbox, consumer, events } = recordedInbox();
    consumer.listen();
    await nextTick();
    consumer.pause();
    inbox.pushStatus("Closed");
    inbox.finish("done", closed);
    expect(events).toEqual(["status Closed", "ended"]);
    const { inbox: other, consumer: idle, events: seen } = recordedInbox();
    other.push(message(1));
    await idle.iterate().next();
    other.pushStatus("Closed");
    other.finish("done", closed);
    expect(seen).toEqual(["status Closed", "ended"]);
  });

  it("its end at once when no caller has ever read, and for a paused listener when it was destroyed", async () => {
    const { inbox, events } = recordedInbox();
    inbox.push(message(1));
    inbox.finish("failed", lost);
    expect(events).toEqual(["ended"]);
    const { inbox: destroyed, consumer, events: seen } = recordedInbox();
    destroyed.push(message(1));
    consumer.listen();
    consumer.pause();
    await nextTick();
    destroyed.finish("destroyed", closed);
    consumer.resume();
    await nextTick();
    expect(seen).toEqual(["ended"]);
  });
});
