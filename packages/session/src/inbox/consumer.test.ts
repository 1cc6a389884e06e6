import { describe, expect, it, vi } from "vitest";
import { closed, lost, message, recordedInbox, shown } from "../../test/recorded-inbox.js";
import { timeoutMessage } from "../message.js";

const DONE = { done: true, value: undefined };
const TAKEN = { code: "IPC_CONSUMER_TAKEN" };

describe("reads", () => {
  it("resolve with messages and statuses in order", async () => {
    const { inbox, consumer } = recordedInbox();
    inbox.pushStatus("Connected");
    inbox.push(message(1));
    inbox.push(message(2));
    inbox.pushStatus("Disconnected");
    const received = [];
    for (let count = 0; count < 4; count++) received.push(shown(await consumer.read("read", {})));
    expect(received).toEqual(["Connected", 1, 2, "Disconnected"]);
  });

  it("resolve in the order of the calls when they are pending", async () => {
    const { inbox, consumer } = recordedInbox();
    const reads = [consumer.read("read", {}), consumer.read("read", {}), consumer.read("read", {})];
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    inbox.push(message(2));
    expect((await Promise.all(reads)).map(shown)).toEqual([1, "Disconnected", 2]);
  });

  it("take nothing when their signal is aborted, before or meanwhile", async () => {
    const { inbox, consumer } = recordedInbox();
    const controller = new AbortController();
    const aborted = consumer.read("read", { signal: controller.signal });
    const patient = consumer.read("read", {});
    controller.abort("enough");
    await expect(aborted).rejects.toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: "enough" });
    inbox.push(message(1));
    expect(shown(await patient)).toBe(1);
    inbox.push(message(2));
    await expect(consumer.read("read", { signal: controller.signal })).rejects.toMatchObject({ code: "IPC_ABORTED" });
    expect(shown(await consumer.read("read", {}))).toBe(2);
  });

  it("resolve with the value of the timeout, lose nothing, and leave no timer (golang-ipc: row 24)", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { inbox, consumer } = recordedInbox();
      const timeout = { ms: 50, value: timeoutMessage };
      const timed = consumer.read("readTimed", {}, timeout);
      vi.advanceTimersByTime(49);
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(1);
      expect(await timed).toBe(timeoutMessage);
      const answered = consumer.read("readTimed", {}, timeout);
      inbox.push(message(1));
      expect(await answered).toMatchObject({ type: 1 });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("reject after the end, when nothing is unread any more", async () => {
    const { inbox, consumer } = recordedInbox();
    inbox.push(message(1));
    inbox.pushStatus("Closed");
    inbox.finish("done", closed);
    expect(shown(await consumer.read("read", {}))).toBe(1);
    expect(shown(await consumer.read("read", {}))).toBe("Closed");
    await expect(consumer.read("read", {})).rejects.toMatchObject({ code: "IPC_CLOSED" });
    const timeout = { ms: 5, value: timeoutMessage };
    await expect(consumer.read("readTimed", {}, timeout)).rejects.toMatchObject({ code: "IPC_CLOSED" });
  });

  it("reject when they are pending at the end", async () => {
    const { inbox, consumer } = recordedInbox();
    const reads = [consumer.read("read", {}), consumer.read("read", {})];
    inbox.finish("failed", lost);
    for (const read of reads) await expect(read).rejects.toMatchObject({ code: "IPC_CONNECTION_LOST" });
  });
});

describe("an iteration", () => {
  it("yields data only and is done, for good, when the source is closed", async () => {
    const { inbox, consumer } = recordedInbox();
    inbox.pushStatus("Connected");
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    inbox.push(message(2));
    inbox.finish("done", closed);
    const types = [];
    const iterator = consumer.iterate();
    for await (const { type } of iterator) types.push(type);
    expect(types).toEqual([1, 2]);
    expect(await iterator.next()).toEqual(DONE);
    expect(await iterator.return?.()).toEqual(DONE);
  });

  it("rejects once with the failure, then is done and has released the source", async () => {
    const { inbox, consumer } = recordedInbox();
    const iterator = consumer.iterate();
    const next = iterator.next();
    inbox.finish("failed", lost);
    await expect(next).rejects.toMatchObject({ code: "IPC_CONNECTION_LOST" });
    expect(await iterator.next()).toEqual(DONE);
    expect(consumer.holder).toBeUndefined();
  });

  it("serves calls of next in order when statuses come between", async () => {
    const { inbox, consumer } = recordedInbox();
    const iterator = consumer.iterate();
    const nexts = [iterator.next(), iterator.next()];
    inbox.pushStatus("Connected");
    inbox.push(message(1));
    inbox.push(message(2));
    expect((await Promise.all(nexts)).map(({ value }) => value?.type)).toEqual([1, 2]);
  });

  it.each(["break", "throw"])("releases the source and loses nothing when its loop is left by %s", async (how) => {
    const { inbox, consumer } = recordedInbox();
    inbox.push(message(1));
    inbox.push(message(2));
    const loop = async (): Promise<void> => {
      for await (const { type } of consumer.iterate()) {
        expect(type).toBe(1);
        if (how === "throw") throw new Error("enough");
        break;
      }
    };
    await loop().catch((error: Error) => expect(error.message).toBe("enough"));
    expect(shown(await consumer.read("read", {}))).toBe(2);
  });

  it("holds the source from its first next, and never when it was returned from before", async () => {
    const { inbox, consumer } = recordedInbox();
    const [iterator, unused] = [consumer.iterate(), consumer.iterate()];
    expect(consumer.holder).toBeUndefined();
    inbox.push(message(1));
    expect(await unused.return?.()).toEqual(DONE);
    expect(await unused.next()).toEqual(DONE);
    expect(consumer.holder).toBeUndefined();
    expect((await iterator.next()).value?.type).toBe(1);
    expect(consumer.holder).toBe("the iteration");
  });

  it("can begin later when the source was taken", async () => {
    const { inbox, consumer } = recordedInbox();
    consumer.listen();
    const iterator = consumer.iterate();
    await expect(iterator.next()).rejects.toMatchObject(TAKEN);
    consumer.unlisten();
    inbox.push(message(1));
    expect((await iterator.next()).value?.type).toBe(1);
  });

  it("settles every pending next when it is returned from, and takes no message", async () => {
    const { inbox, consumer } = recordedInbox();
    const iterator = consumer.iterate();
    const nexts = [iterator.next(), iterator.next()];
    await iterator.return?.();
    inbox.push(message(1));
    expect(await Promise.all(nexts)).toEqual([DONE, DONE]);
    expect(shown(await consumer.read("read", {}))).toBe(1);
  });
});

describe("one consumer at a time", () => {
  it.each(["a pending read", "the iteration", "the listener"] as const)(
    "rejects every other beside %s",
    async (holder) => {
      const { inbox, consumer } = recordedInbox();
      const pending = {
        "a pending read": () => consumer.read("read", {}),
        "the iteration": () => consumer.iterate().next(),
      };
      const first = holder === "the listener" ? consumer.listen() : pending[holder]();
      expect(consumer.holder).toBe(holder);
      const text = (what: string): string => `${what}: messages already go to ${holder}; use one consumer at a time`;
      await expect(consumer.iterate().next()).rejects.toMatchObject({ ...TAKEN, message: text("iteration") });
      expect(() => consumer.lock("poll", "a lock", { ready: () => {}, offer: () => false })).toThrow(
        expect.objectContaining(TAKEN),
      );
      if (holder !== "the listener") expect(() => consumer.listen()).toThrow(text("listener"));
      if (holder !== "a pending read") await expect(consumer.read("read", {})).rejects.toMatchObject(TAKEN);
      inbox.push(message(1));
      await first;
    },
  );
});
