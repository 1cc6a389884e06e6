import { describe, expect, it } from "vitest";
import { closed, lost, message, nextTick, recordedInbox, shown } from "../../test/recorded-inbox.js";

describe("the end", () => {
  it("is told after a listener has got everything", async () => {
    const { inbox, told } = recordedInbox();
    inbox.listen();
    await nextTick();
    inbox.pause();
    inbox.push(message(1));
    inbox.end("done", closed);
    expect(told).toEqual([]);
    inbox.resume();
    await nextTick();
    expect(told).toEqual(["message 1", "ended"]);
  });

  it("that was asked for does not wait for someone who has stopped reading", async () => {
    const { inbox, told } = recordedInbox();
    inbox.push(message(1));
    inbox.push(message(2));
    await inbox.read("read", {});
    inbox.end("done", closed);
    expect(told).toEqual(["ended"]);
  });

  it("does not wait for someone who has stopped reading after a failure either, and tells the statuses first", async () => {
    const { inbox, told } = recordedInbox();
    inbox.push(message(1));
    inbox.push(message(2));
    await inbox.read("read", {});
    inbox.pushStatus("Error");
    inbox.end("failed", lost);
    expect(told).toEqual(["status Error", "ended"]);
    expect(shown(await inbox.read("read", {}))).toBe(2);
    expect(shown(await inbox.read("read", {}))).toBe("Error");
    await expect(inbox.read("read", {})).rejects.toMatchObject({ code: "IPC_CONNECTION_LOST" });
  });

  it("by a failure waits until an iteration has got what is unread", async () => {
    const { inbox, told } = recordedInbox();
    inbox.push(message(1));
    inbox.push(message(2));
    const iterator = inbox.iterate();
    await iterator.next();
    inbox.end("failed", lost);
    expect(told).toEqual([]);
    expect((await iterator.next()).value).toMatchObject({ type: 2 });
    expect(told).toEqual(["ended"]);
    await expect(iterator.next()).rejects.toMatchObject({ code: "IPC_CONNECTION_LOST" });
  });

  it("is told at once when no caller has ever read, and only once", async () => {
    const { inbox, told } = recordedInbox();
    inbox.push(message(1));
    inbox.end("failed", lost);
    inbox.end("done", closed);
    expect(told).toEqual(["ended"]);
    expect(shown(await inbox.read("read", {}))).toBe(1);
    await expect(inbox.read("read", {})).rejects.toMatchObject({ code: "IPC_CONNECTION_LOST" });
    expect(told).toEqual(["ended"]);
  });
});
