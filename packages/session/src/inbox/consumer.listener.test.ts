import { describe, expect, it } from "vitest";
import { closed, message, nextTick, recordedInbox, shown } from "../../test/recorded-inbox.js";
import type { DataMessage } from "../message.js";
import { Consumer } from "./consumer.js";
import { Inbox, type InboxConsumer } from "./inbox.js";

/** An inbox whose listener is `onMessage`. */
function listened(onMessage: (consumer: InboxConsumer, inbox: Inbox, seen: string[]) => void): {
  readonly inbox: Inbox;
  readonly consumer: InboxConsumer;
  readonly seen: string[];
} {
  const seen: string[] = [];
  const events = {
    onStatus: (status: string) => seen.push(status),
    onFull: () => {},
    onRoom: () => {},
    onEnded: () => seen.push("ended"),
  };
  const inbox = new Inbox(1_024, events);
  const consumer: InboxConsumer = new Consumer(inbox, ({ type }: DataMessage) => {
    seen.push(`${type} begins`);
    onMessage(consumer, inbox, seen);
    seen.push(`${type} returns`);
  });
  consumer.listen();
  return { inbox, consumer, seen };
}

describe("listeners", () => {
  it("get unread messages from the next tick on, then each as it comes", async () => {
    const { inbox, consumer, events } = recordedInbox();
    inbox.push(message(1));
    consumer.listen();
    inbox.push(message(2));
    expect(events).toEqual([]);
    await nextTick();
    inbox.push(message(3));
    expect(events).toEqual(["message 1", "message 2", "message 3"]);
  });

  it("get nothing while paused", async () => {
    const { inbox, consumer, events } = recordedInbox();
    consumer.listen();
    await nextTick();
    consumer.pause();
    inbox.push(message(1));
    await nextTick();
    expect(events).toEqual([]);
    consumer.resume();
    await nextTick();
    expect(events).toEqual(["message 1"]);
  });

  it("get nothing when they are removed in the tick in which they were added", async () => {
    const { inbox, consumer, events } = recordedInbox();
    inbox.push(message(1));
    consumer.listen();
    consumer.unlisten();
    await nextTick();
    expect(events).toEqual([]);
    expect(shown(await consumer.read("read", {}))).toBe(1);
  });

  it.each(["unread before", "received then"])(
    "get the rest in order when they are removed and added again, %s",
    async (when) => {
      const { inbox, seen } = listened((consumer) => {
        consumer.unlisten();
        consumer.listen();
      });
      if (when === "received then") await nextTick();
      for (const type of [1, 2, 3]) inbox.push(message(type));
      await nextTick();
      await nextTick();
      expect(seen).toEqual([1, 2, 3].flatMap((type) => [`${type} begins`, `${type} returns`]));
    },
  );

  it.each(["unread before", "received then"])(
    "return before the next message, status or end is reported, %s",
    async (when) => {
      const { inbox, seen } = listened((_consumer, within) => {
        if (within.end !== undefined) return;
        within.push(message(2));
        within.pushStatus("Closing");
        within.finish("done", closed);
      });
      if (when === "received then") await nextTick();
      inbox.push(message(1));
      await nextTick();
      expect(seen).toEqual(["1 begins", "1 returns", "2 begins", "2 returns", "Closing", "ended"]);
    },
  );

  it.each(["unread before", "received then"])(
    "get a message that arrives while one of them runs, after it has returned, %s",
    async (when) => {
      const { inbox, seen } = listened((_consumer, within) => {
        if (seen.length === 1) within.push(message(2));
      });
      if (when === "received then") await nextTick();
      inbox.push(message(1));
      await nextTick();
      expect(seen).toEqual(["1 begins", "1 returns", "2 begins", "2 returns"]);
    },
  );

  it("get no message after one of them has destroyed the source", async () => {
    const { inbox, seen } = listened((_consumer, within) => within.finish("destroyed", closed));
    inbox.push(message(1));
    inbox.push(message(2));
    await nextTick();
    expect(seen).toEqual(["1 begins", "1 returns", "ended"]);
  });

  it("leave a message that arrives while one of them runs to a read that began there after it was removed", async () => {
    const reads: Promise<unknown>[] = [];
    const { inbox, consumer } = listened((_consumer, within) => {
      consumer.unlisten();
      reads.push(consumer.read("read", {}).then(shown));
      within.push(message(2));
    });
    await nextTick();
    inbox.push(message(1));
    expect(await Promise.all(reads)).toEqual([2]);
  });

  it("leave what follows to a read that begins in one of them after it was removed", async () => {
    const reads: Promise<unknown>[] = [];
    const { inbox, seen } = listened((consumer) => {
      consumer.unlisten();
      reads.push(consumer.read("read", {}).then(shown), consumer.read("read", {}).then(shown));
    });
    inbox.push(message(1));
    inbox.push(message(2));
    await nextTick();
    inbox.push(message(3));
    expect(await Promise.all(reads)).toEqual([2, 3]);
    expect(seen).toEqual(["1 begins", "1 returns"]);
  });
});
