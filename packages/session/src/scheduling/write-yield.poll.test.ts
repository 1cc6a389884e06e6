import { describe, expect, it, onTestFinished, vi } from "vitest";
import { bytes, heldSender } from "../../test/held-sender.js";
import { busyPoll } from "./write-yield.js";

/** Stops the event loop and its clock: both go on when the test says so, one iteration for each millisecond. */
function stopLoop(): { readonly pass: (ms: number) => void; readonly pending: () => number } {
  vi.useFakeTimers({ toFake: ["setImmediate", "clearImmediate", "performance"] });
  onTestFinished(() => {
    // A poll that still runs when the next test begins would use this test's clock.
    vi.advanceTimersByTime(1_000);
    vi.useRealTimers();
  });
  return { pass: (ms) => void vi.advanceTimersByTime(ms), pending: () => vi.getTimerCount() };
}

/** How many immediates are pending after each of the next `count` milliseconds. */
function pendingIn(loop: ReturnType<typeof stopLoop>, count: number): number[] {
  return Array.from({ length: count }, () => {
    loop.pass(1);
    return loop.pending();
  });
}

describe("busy polling", () => {
  it("keeps an immediate pending until its time is over, and no longer", () => {
    const loop = stopLoop();
    expect(loop.pending()).toBe(0);
    busyPoll(3_000);
    expect(loop.pending()).toBe(1);
    expect(pendingIn(loop, 5)).toEqual([1, 1, 0, 0, 0]);
  });

  it("ends with the first macrotask after its time, however late that runs", () => {
    const loop = stopLoop();
    busyPoll(50);
    expect(pendingIn(loop, 2)).toEqual([0, 0]);
  });

  it("is prolonged by a later call", () => {
    const loop = stopLoop();
    busyPoll(3_000);
    loop.pass(2);
    busyPoll(3_000);
    expect(pendingIn(loop, 4)).toEqual([1, 1, 0, 0]);
  });

  it("is not cut short by a later call for less", () => {
    const loop = stopLoop();
    busyPoll(4_000);
    busyPoll(1_000);
    expect(pendingIn(loop, 5)).toEqual([1, 1, 1, 0, 0]);
  });

  it("schedules one immediate per macrotask for all callers", () => {
    const loop = stopLoop();
    for (let count = 0; count < 100; count++) busyPoll(2_000);
    expect(loop.pending()).toBe(1);
    expect(pendingIn(loop, 3)).toEqual([1, 0, 0]);
  });

  it("starts again after its end, for no longer than the new call requests", () => {
    const loop = stopLoop();
    busyPoll(5_000);
    expect(pendingIn(loop, 6).at(-1)).toBe(0);
    busyPoll(2_000);
    expect(loop.pending()).toBe(1);
    expect(pendingIn(loop, 3)).toEqual([1, 0, 0]);
  });
});

describe("an outbox", () => {
  const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

  it.each([
    ["lets the event loop sleep after it has sent", 0, 0],
    ["keeps it from sleeping where that is asked for", 50, 1],
  ])("%s: busyPollUs %i", async (_what, busyPollUs, pending) => {
    const loop = stopLoop();
    for (const length of [64, 65_536]) {
      const { sender, stream } = heldSender(undefined, undefined, busyPollUs);
      await sender.write(1, bytes(length), undefined);
      await tick();
      expect(stream.messages()).toEqual([`1:${length}`]);
      expect(loop.pending()).toBe(pending);
      loop.pass(2);
      expect(loop.pending()).toBe(0);
    }
  });

  it("requests no polling before it has sent something", async () => {
    const loop = stopLoop();
    const { sender } = heldSender(undefined, undefined, 50);
    void sender.write(1, bytes(64), undefined);
    expect(loop.pending()).toBe(0);
    await tick();
    expect(loop.pending()).toBe(1);
  });
});
