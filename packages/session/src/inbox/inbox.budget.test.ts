import { describe, expect, it } from "vitest";
import { closed, message, nextTick, recordedInbox } from "../../test/recorded-inbox.js";
import { SharedBudget } from "../shared-budget.js";

describe("an inbox with a shared budget", () => {
  it("counts what is unread in it, by whatever way it is taken, and counts no statuses", async () => {
    const budget = new SharedBudget(100_000);
    const { inbox } = recordedInbox(10_000, budget);
    inbox.pushStatus("Connected");
    for (let type = 1; type <= 4; type++) inbox.push(message(type, 1_000));
    expect([budget.used, inbox.unreadBytes]).toEqual([4_640, 4_640]);
    await inbox.read("read", {});
    await inbox.read("read", {});
    expect(budget.used).toBe(3 * 1_160);
    inbox.acquireReader(() => {});
    inbox.take();
    inbox.releaseReader();
    const iterator = inbox.iterate();
    await iterator.next();
    await iterator.return?.();
    expect(budget.used).toBe(1_160);
    inbox.listen();
    await nextTick();
    expect(budget.used).toBe(0);
    inbox.push(message(5, 1_000));
    expect(budget.used).toBe(0);
  });

  it("is full when it holds as much as is left for all, and has room again below half of that", async () => {
    const budget = new SharedBudget(4_000);
    const { inbox, told } = recordedInbox(1_000_000, budget);
    inbox.push(message(1, 840));
    expect([inbox.full, budget.share]).toEqual([false, 3_000]);
    inbox.push(message(2, 840));
    expect([inbox.full, budget.share, told]).toEqual([true, 2_000, ["full"]]);
    // 1 000 unread, 3 000 left: below half of them.
    await inbox.read("read", {});
    expect([inbox.full, told]).toEqual([false, ["full", "room"]]);
  });

  it("is full at its own limit where that is less", () => {
    const budget = new SharedBudget(1_000_000);
    const { inbox, told } = recordedInbox(1_000, budget);
    inbox.push(message(1, 840));
    expect(told).toEqual(["full"]);
  });

  it("takes one message where nothing is left, and has room again when that is read", async () => {
    const budget = new SharedBudget(1_000);
    budget.add(5_000);
    const { inbox, told } = recordedInbox(1_000_000, budget);
    for (let round = 1; round <= 3; round++) {
      inbox.push(message(round));
      expect([inbox.full, budget.share]).toEqual([true, 0]);
      await inbox.read("read", {});
      expect(inbox.full).toBe(false);
    }
    expect(told).toEqual(["full", "room", "full", "room", "full", "room"]);
  });

  it("stays full above empty while nothing is left", async () => {
    const budget = new SharedBudget(1_000);
    const { inbox, told } = recordedInbox(1_000_000, budget);
    inbox.push(message(1, 240));
    inbox.push(message(2, 240));
    budget.add(5_000);
    await inbox.read("read", {});
    expect([told, budget.share]).toEqual([["full"], 0]);
    await inbox.read("read", {});
    expect(told).toEqual(["full", "room"]);
  });

  it("gives back what it holds when it leaves, once, and counts for itself alone from then on", async () => {
    const budget = new SharedBudget(100_000);
    const { inbox } = recordedInbox(1_000, budget);
    const { inbox: other } = recordedInbox(1_000, budget);
    other.push(message(9, 340));
    inbox.push(message(1, 100));
    inbox.push(message(2, 100));
    inbox.end("done", closed);
    inbox.leaveBudget();
    expect([budget.used, inbox.unreadBytes]).toEqual([500, 520]);
    inbox.leaveBudget();
    await inbox.read("read", {});
    expect([budget.used, inbox.unreadBytes]).toEqual([500, 260]);
  });
});
