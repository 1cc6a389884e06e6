import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { addAbortListener, removeAbortListener } from "./abort-listeners.js";

it("many calls with one signal share one listener, which goes with the last of them", () => {
  const { signal } = new AbortController();
  const callbacks = Array.from({ length: 20 }, () => () => {});
  for (const callback of callbacks) addAbortListener(signal, callback);
  expect(getEventListeners(signal, "abort")).toHaveLength(1);
  for (const callback of callbacks) removeAbortListener(signal, callback);
  expect(getEventListeners(signal, "abort")).toHaveLength(0);
});

it("each call is aborted once, but for those that were settled before or are settled by another", () => {
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
