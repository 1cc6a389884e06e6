import { describe, expect, it } from "vitest";
import { bytes, nextTurn, stateOf } from "../../test/held-sender.js";
import { unawaitedWrites } from "../../test/silent-slips.js";
import { sendOf, someSession } from "../../test/some-session.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import { SharedBudget } from "../shared-budget.js";
import { DetachedSender } from "./detached-sender.js";
import { TURN_BYTES } from "./turn-budget.js";
import { WriteQueue } from "./write-queue.js";

const TOTAL_BYTES = 1_000;

/** The messages that the next connection sends. */
function typesOf({ resend }: ResumableSession): number[] {
  resend.rewind();
  return [...resend.unhanded()].map(({ type }) => type);
}

/** A session that has no connection, and keeps its messages within `budget`. */
function detached(budget?: SharedBudget, bufferBytes = 1_000_000) {
  const session = someSession({ budget, bufferBytes });
  const waiting = new WriteQueue(1_000_000, unawaitedWrites);
  const sender = new DetachedSender(session, waiting);
  const write = (type: number, length = 92, signal?: AbortSignal): Promise<void> =>
    sender.write(type, bytes(length), signal, undefined);
  return { session, waiting, sender, write, types: () => typesOf(session) };
}

/** Two sessions that have filled their total: a write of the second one waits. */
async function full(signal?: AbortSignal) {
  const budget = new SharedBudget(TOTAL_BYTES);
  const [first, second] = [detached(budget), detached(budget)];
  await first.write(1, 492);
  await second.write(1, 292);
  const write = second.write(2, 92, signal);
  expect([await stateOf(write), budget.waiting]).toEqual(["pending", 1]);
  return { budget, first, second, write };
}

describe("a session without a connection", () => {
  it("accepts a write that waits when another session frees bytes of their total", async () => {
    const { budget, first, second, write } = await full();
    first.session.resend.clear();
    await write;
    expect([second.types(), budget.used, budget.waiting]).toEqual([[1, 2], 400, 0]);
  });

  it("accepts writes in their order when their client is away, as far as there is room", async () => {
    const { budget, first, second, write } = await full();
    const later = [3, 4, 5, 6].map((type) => second.write(type));
    first.session.resend.clear();
    await Promise.all([write, later[0]]);
    expect(await stateOf(later[1] as Promise<void>)).toBe("pending");
    expect([second.types(), second.waiting.size, budget.waiting]).toEqual([[1, 2, 3], 3, 1]);
  });

  it("waits for no bytes of others when its own limit is reached", async () => {
    const budget = new SharedBudget(TOTAL_BYTES);
    const { write } = detached(budget, 100);
    await write(1);
    expect([await stateOf(write(2)), budget.waiting]).toEqual(["pending", 0]);
  });

  it("holds no place when its write is aborted and bytes are freed, and none after its end", async () => {
    const controller = new AbortController();
    const { budget, first, second, write } = await full(controller.signal);
    controller.abort();
    await expect(write).rejects.toMatchObject({ code: "IPC_ABORTED" });
    first.session.resend.clear();
    await nextTurn();
    expect([budget.waiting, second.types()]).toEqual([0, [1]]);

    const other = await full();
    other.second.sender.end();
    expect(other.budget.waiting).toBe(0);
    other.first.session.resend.clear();
    expect(await stateOf(other.write)).toBe("pending");
    expect(other.second.types()).toEqual([1]);
  });

  it("accepts what waited for the queue of the connection that was cut, a part of it in each turn of the event loop", async () => {
    const { session, waiting, sender, types } = detached(undefined, 10 * TURN_BYTES);
    sendOf(session, 1);
    const writes = Array.from({ length: 8 }, (_each, index) => waiting.write(2 + index, bytes(60_000), undefined));
    sender.start();
    expect(waiting.size).toBe(3);
    await Promise.all(writes);
    expect(types()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});
