import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { addAbortListener, followSignal, removeAbortListener } from "./abort-listeners.js";

const countOf = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

describe("callbacks for one signal", () => {
  it("share one listener, which is removed with the last callback", () => {
    const { signal } = new AbortController();
    const callbacks = Array.from({ length: 20 }, () => () => {});
    for (const callback of callbacks) addAbortListener(signal, callback);
    expect(countOf(signal)).toBe(1);
    for (const callback of callbacks.slice(1)) removeAbortListener(signal, callback);
    expect(countOf(signal)).toBe(1);
    removeAbortListener(signal, callbacks[0] as () => void);
    expect(countOf(signal)).toBe(0);
  });

  it("are called once each in the order of adding, except one that another callback removes", () => {
    const controller = new AbortController();
    const called: string[] = [];
    const removed = (): void => void called.push("removed");
    addAbortListener(controller.signal, () => {
      called.push("first");
      removeAbortListener(controller.signal, removed);
    });
    addAbortListener(controller.signal, removed);
    addAbortListener(controller.signal, () => called.push("last"));
    controller.abort();
    expect(called).toEqual(["first", "last"]);
  });

  it("are never called when the signal was aborted before, and need no signal", () => {
    const callback = (): never => {
      throw new Error("called");
    };
    const signal = AbortSignal.abort();
    addAbortListener(signal, callback);
    removeAbortListener(signal, callback);
    addAbortListener(undefined, callback);
    removeAbortListener(undefined, callback);
    expect(countOf(signal)).toBe(0);
  });

  it("are separate from those for another signal", () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const called: string[] = [];
    addAbortListener(one.signal, () => called.push("one"));
    addAbortListener(other.signal, () => called.push("other"));
    other.abort();
    expect(called).toEqual(["other"]);
  });
});

describe("followSignal", () => {
  it("aborts the work with the signal's reason, and leaves no listener", async () => {
    const controller = new AbortController();
    const work = followSignal(
      controller.signal,
      ({ signal }) => new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    );
    expect(countOf(controller.signal)).toBe(1);
    controller.abort("enough");
    await expect(work).rejects.toBe("enough");
    expect(countOf(controller.signal)).toBe(0);
  });

  it("does not start the work when the signal was aborted before, and passes no signal when it has none", async () => {
    await expect(followSignal(AbortSignal.abort("enough"), async () => "begun")).rejects.toBe("enough");
    expect(await followSignal(undefined, async (own) => own)).toEqual({});
  });
});
