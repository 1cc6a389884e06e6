import { describe, expect, test } from "vitest";
import { rejection } from "../../test/both-sides.js";
import { ItemQueue, UnreadItems } from "./item-queue.js";

const JSON_CODEC = 1;
const REASON = new Error("cancelled");

/** A queue that has received the items 0, 1, …, none of them read. */
function queueOf(count: number): ItemQueue {
  const queue = new ItemQueue({
    id: 1,
    unread: new UnreadItems(),
    windowBytes: 262_144,
    send() {},
    onLeft() {},
    codecError: (reason) => new Error(reason),
  });
  for (let at = 0; at < count; at++) queue.receive(JSON_CODEC, Buffer.from(String(at)));
  return queue;
}

describe("a stream that is aborted", () => {
  test.each([
    ["before its end", 0, false],
    ["before its end, with unread items", 2, false],
    ["after its end, with unread items", 2, true],
  ])("%s rejects its loop, which does not take it for complete", async (_when, unread, hasEnded) => {
    const queue = queueOf(unread);
    if (hasEnded) queue.end();
    queue.abort(REASON);
    expect(await rejection(queue.next())).toBe(REASON);
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  test("after its end, when all items were read, is complete", async () => {
    const queue = queueOf(1);
    queue.end();
    await queue.next();
    queue.abort(REASON);
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  test("rejects a loop that waits for an item", async () => {
    const queue = queueOf(0);
    const waiting = rejection(queue.next());
    queue.abort(REASON);
    expect(await waiting).toBe(REASON);
  });
});

describe("a stream that fails", () => {
  test("gives the items before the error", async () => {
    const queue = queueOf(1);
    queue.fail(REASON);
    expect(await queue.next()).toEqual({ done: false, value: 0 });
    expect(await rejection(queue.next())).toBe(REASON);
  });

  test("rejects its loop also when the error is undefined", async () => {
    const queue = queueOf(0);
    const waiting = queue.next().then(
      () => "ended",
      (error: unknown) => error,
    );
    queue.fail(undefined);
    expect(await waiting).toBeUndefined();
  });
});
