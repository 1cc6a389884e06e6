import { describe, expect, test } from "vitest";
import { noOrigin } from "../../test/no-origin.js";
import { message } from "../../test/recorded-inbox.js";
import type { Status } from "../message.js";
import { ReceivedMessage } from "../message.js";
import { MessageQueue, StatusEntry } from "./message-queue.js";

/** Messages by their type, statuses by their word. */
function unreadOf(...entries: (number | Status)[]): MessageQueue {
  const unread = new MessageQueue();
  for (const entry of entries) {
    if (typeof entry === "number") unread.add(message(entry));
    else unread.addStatus(new StatusEntry(entry));
  }
  return unread;
}

function take(unread: MessageQueue): number | Status | undefined {
  const entry = unread.shift();
  return entry?.kind === "data" ? entry.type : entry?.status;
}

function takeAll(unread: MessageQueue): (number | Status)[] {
  const taken: (number | Status)[] = [];
  for (let entry = take(unread); entry !== undefined; entry = take(unread)) taken.push(entry);
  return taken;
}

function announceAll(unread: MessageQueue): Status[] {
  const announced: Status[] = [];
  for (let entry = unread.announce(); entry !== undefined; entry = unread.announce()) announced.push(entry.status);
  return announced;
}

describe("a queue of unread messages", () => {
  test("returns messages in order, and charges their data and 160 bytes for each", () => {
    const unread = new MessageQueue();
    unread.add(message(1, 1_000));
    unread.addStatus(new StatusEntry("Reconnecting"));
    unread.add(message(2));
    expect([unread.length, unread.statuses, unread.bytes]).toEqual([3, 1, 1_320]);
    expect(take(unread)).toBe(1);
    expect([unread.length, unread.statuses, unread.bytes]).toEqual([2, 1, 160]);
    expect(takeAll(unread)).toEqual(["Reconnecting", 2]);
    expect([unread.length, unread.statuses, unread.bytes]).toEqual([0, 0, 0]);
  });

  test("holds a status as a message of type -1", () => {
    expect(new StatusEntry("Closed")).toEqual({ kind: "status", type: -1, status: "Closed" });
  });
});

test("a queue returns the bytes of detached data with its last entry", () => {
  const queue = new MessageQueue();
  const bytes = new Uint8Array(1_000);
  queue.add(new ReceivedMessage(1, bytes, noOrigin));
  queue.add(new ReceivedMessage(2, new Uint8Array(1), noOrigin));
  structuredClone(bytes, { transfer: [bytes.buffer] });
  queue.shift();
  queue.shift();
  expect(queue.bytes).toBe(0);
});

describe("a status is announced", () => {
  test("once and in order, as soon as no message precedes it", () => {
    const unread = unreadOf("Connecting", "Connected", 1, 2, "Reconnecting", 3, "Connected");
    expect(announceAll(unread)).toEqual(["Connecting", "Connected"]);
    expect(announceAll(unread)).toEqual([]);
    expect([take(unread), take(unread), take(unread)]).toEqual(["Connecting", "Connected", 1]);
    expect(announceAll(unread)).toEqual([]);
    expect(take(unread)).toBe(2);
    expect(announceAll(unread)).toEqual(["Reconnecting"]);
    expect([take(unread), take(unread)]).toEqual(["Reconnecting", 3]);
    expect(announceAll(unread)).toEqual(["Connected"]);
    expect(take(unread)).toBe("Connected");
    expect(announceAll(unread)).toEqual([]);
  });

  test("also when it was taken before", () => {
    const unread = unreadOf("Connecting", 1, "Disconnected", 2, "Connected");
    expect([take(unread), take(unread), take(unread)]).toEqual(["Connecting", 1, "Disconnected"]);
    expect(announceAll(unread)).toEqual(["Connecting", "Disconnected"]);
    expect(take(unread)).toBe(2);
    expect(announceAll(unread)).toEqual(["Connected"]);
  });

  test("when it joins others that were announced and not read", () => {
    const unread = unreadOf("Connecting");
    expect(announceAll(unread)).toEqual(["Connecting"]);
    unread.addStatus(new StatusEntry("Connected"));
    expect(announceAll(unread)).toEqual(["Connected"]);
    expect(take(unread)).toBe("Connecting");
    unread.addStatus(new StatusEntry("Reconnecting"));
    expect(announceAll(unread)).toEqual(["Reconnecting"]);
  });
});

describe("past 32 statuses", () => {
  const returns = (count: number): Status[] =>
    Array.from({ length: count }, (): Status[] => ["Reconnecting", "Connected"]).flat();

  test("the oldest return is forgotten, and nothing else", () => {
    const unread = unreadOf("Connecting", "Connected", ...returns(15));
    expect(unread.statuses).toBe(32);
    unread.addStatus(new StatusEntry("Reconnecting"));
    expect(unread.statuses).toBe(31);
    unread.addStatus(new StatusEntry("Timeout"));
    expect(takeAll(unread)).toEqual(["Connecting", "Connected", ...returns(14), "Reconnecting", "Timeout"]);
  });

  test("a client that returns for ever keeps at most 32, and all its messages in their places", () => {
    const unread = unreadOf("Connecting", "Connected");
    for (let type = 1; type <= 1_000; type++) {
      unread.add(message(type));
      unread.addStatus(new StatusEntry("Reconnecting"));
      unread.addStatus(new StatusEntry("Connected"));
      expect(unread.statuses).toBeLessThanOrEqual(32);
    }
    expect(unread.bytes).toBe(160_000);
    const taken = takeAll(unread);
    expect(taken.filter((entry) => typeof entry === "number")).toEqual(Array.from({ length: 1_000 }, (_, n) => n + 1));
    expect(taken.slice(0, 4)).toEqual(["Connecting", "Connected", 1, 2]);
    expect(taken.slice(-6)).toEqual([999, "Reconnecting", "Connected", 1_000, "Reconnecting", "Connected"]);
  });

  test("a server's oldest change of clients is forgotten too", () => {
    const changes = Array.from({ length: 17 }, (): Status[] => ["Connected", "Disconnected"]).flat();
    const taken = takeAll(unreadOf(...changes));
    expect(taken).toHaveLength(32);
    expect([taken[0], taken.at(-1)]).toEqual(["Connected", "Disconnected"]);
    expect(taken).toEqual(changes.slice(0, 32));
  });

  test("announced statuses are not announced again, and the others still are", () => {
    const unread = unreadOf("Connecting", "Connected", ...returns(10), 1, ...returns(5));
    expect(announceAll(unread)).toHaveLength(22);
    unread.addStatus(new StatusEntry("Reconnecting"));
    expect(announceAll(unread)).toEqual([]);
    const taken: unknown[] = [];
    while (taken.at(-1) !== 1) taken.push(take(unread));
    expect(taken).toHaveLength(21);
    expect(announceAll(unread)).toEqual([...returns(5), "Reconnecting"]);
  });
});

describe("compact", () => {
  /** Messages that are views into `buffer`, one behind the other. */
  function viewsInto(buffer: Uint8Array, ...lengths: number[]): ReceivedMessage[] {
    let at = 0;
    return lengths.map((length, index) => {
      at += length;
      return new ReceivedMessage(index + 1, buffer.subarray(at - length, at), noOrigin);
    });
  }

  const numbered = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index & 0xff);

  function compacted(buffer: Uint8Array, messages: readonly ReceivedMessage[]): Uint8Array[] {
    const unread = new MessageQueue();
    for (const each of messages) unread.add(each);
    const { bytes } = unread;
    unread.compact(buffer.buffer);
    expect([unread.bytes, unread.length]).toEqual([bytes, messages.length]);
    return messages.map(() => (unread.shift() as ReceivedMessage).data);
  }

  test("copies messages that fill less than half of the buffer", () => {
    const buffer = numbered(1_000);
    const copies = compacted(buffer, viewsInto(buffer, 300, 0, 199));
    for (const copy of copies) expect(copy.buffer).not.toBe(buffer.buffer);
    buffer.fill(0xee);
    expect(Buffer.concat(copies)).toEqual(Buffer.from(numbered(499)));
  });

  test("keeps messages that fill half of it", () => {
    const buffer = numbered(1_000);
    for (const kept of compacted(buffer, viewsInto(buffer, 300, 0, 200))) expect(kept.buffer).toBe(buffer.buffer);
  });

  test("leaves messages of other buffers and the types alone", () => {
    const [old, buffer] = [numbered(1_000), numbered(1_000)];
    const unread = new MessageQueue();
    for (const each of [...viewsInto(old, 10), ...viewsInto(buffer, 10, 10)]) unread.add(each);
    unread.compact(buffer.buffer);
    const [first, second, third] = [unread.shift(), unread.shift(), unread.shift()] as ReceivedMessage[];
    expect(first?.data.buffer).toBe(old.buffer);
    expect([first?.type, second?.type, third?.type]).toEqual([1, 1, 2]);
    expect(second?.data.buffer).not.toBe(buffer.buffer);
  });

  test("does nothing when no message of the buffer is unread", () => {
    const buffer = numbered(10);
    const unread = unreadOf(1, "Reconnecting");
    unread.compact(buffer.buffer);
    expect(takeAll(unread)).toEqual([1, "Reconnecting"]);
    unread.compact(buffer.buffer);
    expect(unread.length).toBe(0);
  });
});
