import { clearImmediate, setImmediate } from "node:timers";
import { expect, it, vi } from "vitest";

it("a fake immediate that is cleared after its clock has gone keeps no real one from running", async () => {
  vi.useFakeTimers({ toFake: ["setImmediate", "clearImmediate"] });
  const left = setImmediate(() => {});
  vi.useRealTimers();
  clearImmediate(left);
  // A lone one: a second would let Node.js run both.
  await new Promise<void>((resolve) => void setImmediate(resolve));
  expect(vi.isFakeTimers()).toBe(false);
});
