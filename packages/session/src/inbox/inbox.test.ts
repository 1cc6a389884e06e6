import { describe, expect, it, vi } from "vitest";
import { closed, lost, message, nextTick, recordedInbox, shown } from "../../test/recorded-inbox.js";
import { timeoutMessage } from "../message.js";

describe("reads", () => {
  it("get messages and statuses in the order of their coming", async () => {
    const { inbox } = recordedInbox();
    inbox.pushStatus("Connected");
    inbox.push(message(1));
    inbox.push(message(2));
    inbox.pushStatus("Disconnected");
    const received = [];
    for (let i = 0; i < 4; i++) received.push(shown(await inbox.read("read", {})));
    expect(received).toEqual(["Connected", 1, 2, "Disconnected"]);
  });

  it("that wait are served in the order of their asking", async () => {
    const { inbox } = recordedInbox();
    const reads = [inbox.read("read", {}), inbox.read("read", {}), inbox.read("read", {})];
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    inbox.push(message(2));
    expect((await Promise.all(reads)).map(shown)).toEqual([1, "Disconnected", 2]);
  });

  it("that are aborted take nothing with them", async () => {
    const { inbox } = recordedInbox();
    const controller = new AbortController();
    const aborted = inbox.read("read", { signal: controller.signal });
    const patient = inbox.read("read", {});
    controller.abort("enough");
    await expect(aborted).rejects.toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: "enough" });
    inbox.push(message(1));
    expect(shown(await patient)).toBe(1);
  });

  it("with a signal that is aborted already take nothing", async () => {
    const { inbox } = recordedInbox();
    inbox.push(message(1));
    await expect(inbox.read("read", { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "IPC_ABORTED" });
    expect(shown(await inbox.read("read", {}))).toBe(1);
  });

  it("with a time limit give the sentinel and lose nothing", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const { inbox } = recordedInbox();
      const timed = inbox.readTimed(50, timeoutMessage, {});
      vi.advanceTimersByTime(49);
      expect(vi.getTimerCount()).toBe(1);
      vi.advanceTimersByTime(1);
      expect(await timed).toBe(timeoutMessage);
      const answered = inbox.readTimed(50, timeoutMessage, {});
      inbox.push(message(1));
      expect(await answered).toMatchObject({ type: 1 });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("get what is unread after the end, then reject for ever", async () => {
    const { inbox } = recordedInbox();
    inbox.push(message(1));
    inbox.pushStatus("Closed");
    inbox.end("done", closed);
    expect(shown(await inbox.read("read", {}))).toBe(1);
    expect(shown(await inbox.read("read", {}))).toBe("Closed");
    await expect(inbox.read("read", {})).rejects.toMatchObject({ code: "IPC_CLOSED" });
    await expect(inbox.readTimed(5, timeoutMessage, {})).rejects.toMatchObject({ code: "IPC_CLOSED" });
  });

  it("that wait at the end reject", async () => {
    const { inbox, told } = recordedInbox();
    const reads = [inbox.read("read", {}), inbox.read("read", {})];
    inbox.end("failed", lost);
    for (const read of reads) await expect(read).rejects.toMatchObject({ code: "IPC_CONNECTION_LOST" });
    expect(told).toEqual(["ended"]);
  });
});

describe("the budget", () => {
  it("is full at the limit and has room again below half of it", async () => {
    const { inbox, told } = recordedInbox(1_000);
    inbox.push(message(1, 340));
    expect(inbox.unreadBytes).toBe(500);
    inbox.push(message(2, 339));
    expect(told).toEqual([]);
    inbox.push(message(3, 0));
    expect(told).toEqual(["full"]);
    await inbox.read("read", {});
    expect(told).toEqual(["full"]);
    await inbox.read("read", {});
    expect(told).toEqual(["full", "room"]);
    await inbox.read("read", {});
    expect(inbox.unreadBytes).toBe(0);
  });

  it("is not touched by a message that is taken at once", async () => {
    const { inbox, told } = recordedInbox(1_000);
    const read = inbox.read("read", {});
    inbox.push(message(1, 5_000));
    await read;
    expect(told).toEqual([]);
  });
});

describe("an iteration", () => {
  it("gives data only and ends with the peer", async () => {
    const { inbox } = recordedInbox();
    inbox.pushStatus("Connected");
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    inbox.push(message(2));
    inbox.end("done", closed);
    const types = [];
    for await (const { type } of { [Symbol.asyncIterator]: () => inbox.iterate() }) types.push(type);
    expect(types).toEqual([1, 2]);
  });

  it("rejects once with the failure, then is over", async () => {
    const { inbox } = recordedInbox();
    const iterator = inbox.iterate();
    const next = iterator.next();
    inbox.end("failed", lost);
    await expect(next).rejects.toMatchObject({ code: "IPC_CONNECTION_LOST" });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("serves calls of next in order, whatever statuses come between", async () => {
    const { inbox } = recordedInbox();
    const iterator = inbox.iterate();
    const nexts = [iterator.next(), iterator.next()];
    inbox.pushStatus("Connected");
    inbox.push(message(1));
    inbox.push(message(2));
    expect((await Promise.all(nexts)).map(({ value }) => value?.type)).toEqual([1, 2]);
  });

  it("that is left frees the inbox for another consumer and loses nothing", async () => {
    const { inbox } = recordedInbox();
    inbox.push(message(1));
    inbox.push(message(2));
    for await (const { type } of { [Symbol.asyncIterator]: () => inbox.iterate() }) {
      expect(type).toBe(1);
      break;
    }
    expect(shown(await inbox.read("read", {}))).toBe(2);
  });
});

describe("listeners", () => {
  it("get what is unread from the next tick on, then what comes", async () => {
    const { inbox, told } = recordedInbox();
    inbox.push(message(1));
    inbox.listen();
    expect(told).toEqual([]);
    await nextTick();
    inbox.push(message(2));
    expect(told).toEqual(["message 1", "message 2"]);
  });

  it("get nothing while paused", async () => {
    const { inbox, told } = recordedInbox();
    inbox.listen();
    await nextTick();
    inbox.pause();
    inbox.push(message(1));
    await nextTick();
    expect(told).toEqual([]);
    inbox.resume();
    await nextTick();
    expect(told).toEqual(["message 1"]);
  });

  it("hear of a status after the messages that came before it", async () => {
    const { inbox, told } = recordedInbox();
    inbox.pushStatus("Connected");
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    expect(told).toEqual(["status Connected"]);
    inbox.listen();
    await nextTick();
    expect(told).toEqual(["status Connected", "message 1", "status Disconnected"]);
  });

  it("hear of a status when a read takes the last message before it", async () => {
    const { inbox, told } = recordedInbox();
    inbox.push(message(1));
    inbox.pushStatus("Disconnected");
    expect(told).toEqual([]);
    await inbox.read("read", {});
    expect(told).toEqual(["status Disconnected"]);
    expect(shown(await inbox.read("read", {}))).toBe("Disconnected");
    expect(told).toEqual(["status Disconnected"]);
  });
});

describe("one consumer at a time", () => {
  it("refuses an iteration and a listener beside a pending read", async () => {
    const { inbox } = recordedInbox();
    const read = inbox.read("read", {});
    await expect(inbox.iterate().next()).rejects.toMatchObject({ code: "IPC_CONSUMER_TAKEN" });
    expect(() => inbox.listen()).toThrow(expect.objectContaining({ code: "IPC_CONSUMER_TAKEN" }));
    inbox.push(message(1));
    await read;
    inbox.listen();
  });

  it("refuses a read and a second iteration beside an iteration", async () => {
    const { inbox } = recordedInbox();
    const iterator = inbox.iterate();
    const next = iterator.next();
    await expect(inbox.read("read", {})).rejects.toMatchObject({ code: "IPC_CONSUMER_TAKEN" });
    await expect(inbox.iterate().next()).rejects.toMatchObject({ code: "IPC_CONSUMER_TAKEN" });
    inbox.push(message(1));
    expect((await next).value).toMatchObject({ type: 1 });
  });

  it("refuses a read and an iteration beside a listener, until it is taken off", async () => {
    const { inbox } = recordedInbox();
    inbox.listen();
    await expect(inbox.readTimed(1, undefined, {})).rejects.toMatchObject({ code: "IPC_CONSUMER_TAKEN" });
    await expect(inbox.iterate().next()).rejects.toMatchObject({ code: "IPC_CONSUMER_TAKEN" });
    inbox.unlisten();
    inbox.push(message(1));
    expect(shown(await inbox.read("read", {}))).toBe(1);
  });
});
