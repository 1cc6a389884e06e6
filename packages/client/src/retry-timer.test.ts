import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { pause } from "./retry-timer.js";

const never = new AbortController().signal;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

it("resolves after the given time and leaves no timer", async () => {
  const waiting = pause(50, never);
  vi.advanceTimersByTime(49);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1);
  await waiting;
  expect(vi.getTimerCount()).toBe(0);
});

it("rejects at once when it is aborted, before or while it waits, and leaves no timer", async () => {
  await expect(pause(50, AbortSignal.abort("before"))).rejects.toBe("before");
  const controller = new AbortController();
  const waiting = pause(50, controller.signal);
  controller.abort("meanwhile");
  await expect(waiting).rejects.toBe("meanwhile");
  expect(vi.getTimerCount()).toBe(0);
});

it("does not keep the process alive", async () => {
  vi.useRealTimers();
  const set = vi.spyOn(globalThis, "setTimeout");
  const controller = new AbortController();
  const waiting = pause(60_000, controller.signal);
  const timer = set.mock.results[0]?.value as NodeJS.Timeout;
  expect(timer.hasRef()).toBe(false);
  set.mockRestore();
  controller.abort("over");
  await expect(waiting).rejects.toBe("over");
});
