import { describe, expect, test } from "vitest";
import { rejection } from "../../test/both-sides.js";
import { ItemQueue, UnreadItems } from "./item-queue.js";

const JSON_CODEC = 1;
const BYTES_CODEC = 2;
const REASON = new Error("cancelled");

/** A queue that has received the items 0, 1, …, none of them read. */
function queueOf(count: number, unread = new UnreadItems()): ItemQueue {
  const queue = new ItemQueue({
    id: 1,
    unread,
    windowBytes: 262_144,
    send() {},
    onLeft() {},
    codecError: (reason) => new Error(reason),
  });
  for (let at = 0; at < count; at++) expect(queue.receive(JSON_CODEC, Buffer.from(String(at)))).toBeUndefined();
  return queue;
}

describe("an aborted stream", () => {
  test.each([
    ["before its end", 0, false],
    ["before its end, with unread items", 2, false],
    ["after its end, with unread items", 2, true],
  ])("%s rejects its loop instead of ending it", async (_when, unread, hasEnded) => {
    const queue = queueOf(unread);
    if (hasEnded) queue.end();
    queue.abort(REASON);
    expect(await rejection(queue.next())).toBe(REASON);
    expect(await queue.next()).toEqual({ done: true, value: undefined });
  });

  test("is complete when it had ended and all items were read", async () => {
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

describe("a failed stream", () => {
  test("gives the items before the error", async () => {
    const queue = queueOf(1);
    queue.fail(REASON);
    expect(await queue.next()).toEqual({ done: false, value: 0 });
    expect(await rejection(queue.next())).toBe(REASON);
  });

  test("rejects its loop when the error is undefined, too", async () => {
    const queue = queueOf(0);
    const waiting = queue.next().then(
      () => "ended",
      (error: unknown) => error,
    );
    queue.fail(undefined);
    expect(await waiting).toBeUndefined();
  });
});

describe("unread items", () => {
  test("keep their bytes when the buffer they arrived in is reused", async () => {
    const queue = queueOf(0);
    const buffer = Buffer.from("12");
    queue.receive(JSON_CODEC, buffer);
    buffer.fill("9");
    expect(await queue.next()).toEqual({ done: false, value: 12 });
  });

  test("are read in the order of arrival, also when the reader is always one behind", async () => {
    const queue = queueOf(1);
    for (let at = 1; at < 100; at++) {
      queue.receive(JSON_CODEC, Buffer.from(String(at)));
      expect(await queue.next()).toEqual({ done: false, value: at - 1 });
    }
  });

  test("count until they are read, also after their stream has ended", async () => {
    const unread = new UnreadItems();
    const queue = queueOf(3, unread);
    queue.end();
    for (const bytes of [192, 128, 64, 0]) {
      expect(unread.bytes).toBe(bytes);
      await queue.next();
    }
  });

  test.each(["abort", "return", "discard"] as const)("do not count after `%s`, also after the end", (drop) => {
    const unread = new UnreadItems();
    const queue = queueOf(3, unread);
    queue.end();
    void queue[drop](REASON);
    expect(unread.bytes).toBe(0);
  });

  test("of all ended streams are rejected past 16 MiB with `ipc.busy`", () => {
    const unread = new UnreadItems();
    const item = Buffer.alloc(262_144);
    const codes = Array.from({ length: 65 }, () => {
      const queue = queueOf(0, unread);
      const code = queue.receive(BYTES_CODEC, item);
      queue.end();
      return code;
    });
    expect(codes).toEqual([...Array.from({ length: 64 }, () => undefined), "ipc.busy"]);
    expect(unread.bytes).toBe(16_777_216);
  });

  test.each(["keep", "read", "discard"])("of more than 262 144 bytes are rejected with `ipc.flow` (%s)", (mode) => {
    const unread = new UnreadItems();
    const queue = queueOf(0, unread);
    if (mode === "read") void queue.next();
    if (mode === "discard") queue.discard();
    expect(queue.receive(BYTES_CODEC, Buffer.alloc(262_145))).toBe("ipc.flow");
    expect(unread.bytes).toBe(0);
  });

  test("of an ended stream do not count once the stream is garbage", async () => {
    const unread = new UnreadItems();
    queueOf(3, unread).end();
    while (unread.bytes > 0) {
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(unread.bytes).toBe(0);
  });
});
