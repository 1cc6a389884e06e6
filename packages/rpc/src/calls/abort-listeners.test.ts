import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { addAbortListener, removeAbortListener } from "./abort-listeners.js";

it("adds one listener to a signal for many calls, and removes it with the last call", () => {
  const { signal } = new AbortController();
  const callbacks = Array.from({ length: 20 }, () => () => {});
  for (const callback of callbacks) addAbortListener(signal, callback);
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  for (const callback of callbacks) removeAbortListener(signal, callback);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

it("aborts each call once, except calls that were settled before or that another call settles", () => {
  const controller = new AbortController();
  const called: string[] = [];
  const [settled, sibling] = [(): void => void called.push("settled"), (): void => void called.push("sibling")];
  addAbortListener(controller.signal, settled);
  addAbortListener(controller.signal, () => {
    called.push("first");
    removeAbortListener(controller.signal, sibling);
  });
  addAbortListener(controller.signal, sibling);
  removeAbortListener(controller.signal, settled);
  controller.abort();
  expect(called).toEqual(["first"]);
});
