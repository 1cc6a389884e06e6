import { onTestFinished } from "vitest";

/** Returns `thing`, which is destroyed when the test is over, however it went. */
export function untilTestEnds<T extends { destroy(): unknown }>(thing: T): T {
  onTestFinished(() => void thing.destroy());
  return thing;
}
