import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { beBusy } from "../../../internal/testkit/src/stopped-clock.js";
import { Deferred, handledRejection, settleWithin } from "./deferred.js";
import { abortError } from "./errors.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function waiting(): {
  waiter: Deferred<string>;
  onCancel: ReturnType<typeof vi.fn<() => void>>;
  controller: AbortController;
  left: () => number[];
} {
  const controller = new AbortController();
  const onCancel = vi.fn<() => void>();
  const timeout = { ms: 1_000, value: "late" };
  const waiter = new Deferred<string>({ what: "read", signal: controller.signal, timeout, onCancel });
  const left = (): number[] => [getEventListeners(controller.signal, "abort").length, vi.getTimerCount()];
  return { waiter, onCancel, controller, left };
}

describe("a waiter", () => {
  test("has one listener and one timer while it waits", () => {
    const { waiter, left } = waiting();
    expect(left()).toEqual([1, 1]);
    waiter.resolve("over");
  });

  test("resolves once without a call of its leave callback, and leaves no listener or timer", async () => {
    const { waiter, onCancel, controller, left } = waiting();
    waiter.resolve("first");
    expect(left()).toEqual([0, 0]);
    waiter.resolve("second");
    waiter.reject(new Error("third"));
    controller.abort();
    vi.advanceTimersByTime(2_000);
    await expect(waiter.promise).resolves.toBe("first");
    expect(onCancel).not.toHaveBeenCalled();
  });

  test("rejects once, and leaves no listener or timer", async () => {
    const { waiter, onCancel, controller, left } = waiting();
    const error = new Error("first");
    waiter.reject(error);
    expect(left()).toEqual([0, 0]);
    waiter.reject(new Error("second"));
    waiter.resolve("third");
    controller.abort();
    await expect(waiter.promise).rejects.toBe(error);
    expect(onCancel).not.toHaveBeenCalled();
  });

  test("resolves with its value at its time-out after it has left, and leaves no listener or timer", async () => {
    const { waiter, onCancel, controller, left } = waiting();
    vi.advanceTimersByTime(999);
    expect([onCancel.mock.calls.length, ...left()]).toEqual([0, 1, 1]);
    vi.advanceTimersByTime(1);
    expect([onCancel.mock.calls.length, ...left()]).toEqual([1, 0, 0]);
    controller.abort();
    await expect(waiter.promise).resolves.toBe("late");
    expect(onCancel).toHaveBeenCalledTimes(1);
  });

  test("that the process was too busy to serve, still gets what had arrived by its time-out", async () => {
    const { waiter, onCancel, left } = waiting();
    beBusy(1_400);
    vi.advanceTimersByTime(1_000);
    expect([onCancel.mock.calls.length, ...left()]).toEqual([0, 1, 1]);
    waiter.resolve("arrived");
    expect(left()).toEqual([0, 0]);
    await expect(waiter.promise).resolves.toBe("arrived");
  });

  test("rejects with the signal's reason as cause after it has left, and leaves no listener or timer", async () => {
    const { waiter, onCancel, controller, left } = waiting();
    const reason = new Error("enough");
    controller.abort(reason);
    expect(left()).toEqual([0, 0]);
    vi.advanceTimersByTime(2_000);
    await expect(waiter.promise).rejects.toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: reason });
    expect(onCancel).toHaveBeenCalledTimes(1);
  });

  test("can neither be aborted nor time out when it is committed", async () => {
    const { waiter, onCancel, controller, left } = waiting();
    waiter.commit();
    expect(left()).toEqual([0, 0]);
    controller.abort();
    vi.advanceTimersByTime(2_000);
    waiter.resolve("done");
    await expect(waiter.promise).resolves.toBe("done");
    expect(onCancel).not.toHaveBeenCalled();
  });

  test("needs neither a signal nor a time-out", async () => {
    const waiter = new Deferred<number>({ what: "flush", onCancel: () => {} });
    expect(vi.getTimerCount()).toBe(0);
    waiter.resolve(7);
    await expect(waiter.promise).resolves.toBe(7);
  });
});

test("an abort error names the aborted call", () => {
  const signal = AbortSignal.abort("tired");
  expect(abortError("write", signal)).toMatchObject({
    code: "IPC_ABORTED",
    name: "AbortError",
    message: "write: aborted by its signal",
    cause: "tired",
  });
});

test("a rejection does not reach the process when no caller observes it", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  try {
    const error = new Error("not observed");
    new Deferred<void>({ what: "write", onCancel: () => {} }).reject(error);
    const promise = handledRejection(error);
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
    await expect(promise).rejects.toBe(error);
  } finally {
    process.off("unhandledRejection", unhandled);
  }
});

test.each([
  ["resolves", Promise.resolve()],
  ["rejects", handledRejection(new Error("no"))],
])("settleWithin leaves no timer when its promise %s", async (_how, promise) => {
  await settleWithin(1_000, promise).catch(() => {});
  expect(vi.getTimerCount()).toBe(0);
});
