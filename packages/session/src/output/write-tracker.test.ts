import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { bytes, HeldStream, stateOf } from "../../test/held-sender.js";
import { WriteTracker } from "./write-tracker.js";

/** A tracker whose stream holds each write until the test releases it. */
function held(): { tracker: WriteTracker; stream: HeldStream; write: (length: number, messages: number) => void } {
  const stream = new HeldStream();
  stream.holds = true;
  const tracker = new WriteTracker(stream);
  const write = (length: number, messages: number): void => {
    tracker.add(length, messages);
    stream.write(bytes(length), (error) => error || tracker.update(0));
  };
  return { tracker, stream, write };
}

describe("a write tracker", () => {
  it("counts the messages of a write until the kernel has its last byte", async () => {
    const { tracker, stream, write } = held();
    expect([tracker.isIdle, tracker.messages]).toEqual([true, 0]);
    write(10, 3);
    write(20, 4);
    expect([tracker.isIdle, tracker.messages]).toEqual([false, 7]);
    await stream.release();
    expect([tracker.isIdle, tracker.messages]).toEqual([false, 4]);
    await stream.release();
    expect([tracker.isIdle, tracker.messages]).toEqual([true, 0]);
  });

  it("still counts the bytes of its messages when a write has failed and the stream has dropped the others", async () => {
    const { tracker, stream, write } = held();
    stream.on("error", () => {});
    for (const messages of [3, 4, 5]) write(10, messages);
    expect([tracker.messages, tracker.bytes]).toEqual([12, 30]);
    await stream.release();
    stream.fail(new Error("EPIPE"));
    expect(stream.writableLength).toBe(0);
    expect([tracker.messages, tracker.bytes]).toEqual([9, 20]);
  });

  it("resolves a wait when the kernel has the bytes written before it, without later writes", async () => {
    const { tracker, stream, write } = held();
    expect(tracker.wait("flush", undefined)).toBeUndefined();
    write(10, 1);
    const first = tracker.wait("flush", undefined) as Promise<void>;
    write(10, 1);
    const second = tracker.wait("flush", undefined) as Promise<void>;
    await stream.release();
    expect([await stateOf(first), await stateOf(second)]).toEqual(["settled", "pending"]);
    await stream.release();
    await second;
  });

  it("rejects an aborted wait alone and leaves no listener", async () => {
    const { tracker, stream, write } = held();
    const { signal } = new AbortController();
    write(10, 1);
    const kept = tracker.wait("flush", signal);
    const controller = new AbortController();
    const aborted = tracker.wait("flush", controller.signal);
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: "IPC_ABORTED" });
    await stream.release();
    await kept;
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("rejects every wait when the connection fails", async () => {
    const { tracker, write } = held();
    write(10, 1);
    const waits = [tracker.wait("flush", undefined), tracker.wait("flush", undefined)];
    const lost = new Error("lost");
    tracker.rejectAll(lost);
    for (const wait of waits) await expect(wait).rejects.toBe(lost);
  });
});
