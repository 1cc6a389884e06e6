import { describe, expect, it } from "vitest";
import { Drain, type DrainClock } from "./drain.js";

const TICK_MS = 25;

/** A drain of 5 s whose time passes when the test says so. */
function setUp(timeoutMs = 5_000) {
  const closes: number[] = [];
  const state = { bytes: 100 as number | undefined, isBusy: false, now: 1_000, timers: 0 };
  let tick = (): void => {};
  const clock: DrainClock = {
    now: () => state.now,
    every(ms, next) {
      expect(ms).toBe(TICK_MS);
      state.timers++;
      tick = next;
      return () => void state.timers--;
    },
  };
  const activity = { received: () => state.bytes, isBusy: () => state.isBusy };
  const close = (ms: number): Promise<void> => {
    closes.push(ms);
    return Promise.resolve();
  };
  const drain = new Drain(activity, { timeoutMs, close }, clock);
  const pass = (ticks: number, tickMs = TICK_MS): void => {
    for (let passed = 0; passed < ticks; passed++) {
      state.now += tickMs;
      tick();
    }
  };
  return { drain, state, closes, pass };
}

describe("a drain", () => {
  it("closes when nothing has arrived for 250 ms, with the time that is left", async () => {
    const { drain, closes, pass, state } = setUp();
    pass(9);
    expect(closes).toEqual([]);
    pass(1);
    expect([closes, state.timers]).toEqual([[4_750], 0]);
    await drain.done;
  });

  it("starts its 250 ms again when bytes arrive", () => {
    const { closes, pass, state } = setUp();
    pass(9);
    state.bytes = 101;
    pass(10);
    expect(closes).toEqual([]);
    pass(1);
    expect(closes).toHaveLength(1);
  });

  it("starts its 250 ms again when a step is over", () => {
    const { closes, pass, state } = setUp();
    state.isBusy = true;
    pass(50);
    state.isBusy = false;
    pass(9);
    expect(closes).toEqual([]);
    pass(1);
    expect(closes).toHaveLength(1);
  });

  it("does not count the time of a busy process as idle", () => {
    const { closes, pass } = setUp();
    pass(9, 400);
    expect(closes).toEqual([]);
  });

  it("closes at once when the peer has closed and its messages are handled", () => {
    const { closes, pass, state } = setUp();
    state.isBusy = true;
    pass(3);
    state.bytes = undefined;
    pass(3);
    expect(closes).toEqual([]);
    state.isBusy = false;
    pass(1);
    expect(closes).toHaveLength(1);
  });

  it("closes after its time limit, and leaves 250 ms for the close", () => {
    const { closes, pass, state } = setUp(1_000);
    state.isBusy = true;
    pass(39);
    expect(closes).toEqual([]);
    pass(1);
    expect([closes, state.timers]).toEqual([[250], 0]);
  });

  it("closes once when it is stopped, and never afterwards", async () => {
    const { drain, closes, pass, state } = setUp();
    drain.stop();
    drain.stop();
    pass(20);
    expect([closes, state.timers]).toEqual([[5_000], 0]);
    await drain.done;
  });

  it("rejects with the error of its close", async () => {
    const error = new Error("the close failed");
    const clock: DrainClock = { now: () => 0, every: () => () => {} };
    const activity = { received: () => 0, isBusy: () => false };
    const drain = new Drain(activity, { timeoutMs: 1, close: () => Promise.reject(error) }, clock);
    drain.stop();
    await expect(drain.done).rejects.toBe(error);
  });
});
