import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { keepUncaught } from "./uncaught-exceptions.js";

/** An emitter of events: listeners are added, and nothing is known of what they are given. */
interface Teller {
  once(event: string, listener: (...args: readonly unknown[]) => void): unknown;
}

/** Something whose listeners are about to fail. */
export interface Scene {
  readonly teller: unknown;
  /** Makes it tell the event. */
  readonly provoke: () => unknown;
  /** What must go on, or must have ended, all the same. */
  readonly afterwards: () => Promise<unknown>;
}

/** Lets a listener of each event throw, then reject: an uncaught exception each, and nothing of the library's is harmed by it. */
export function describeThrowers(kind: string, scenes: Readonly<Record<string, () => Promise<Scene>>>): void {
  const bug = new TypeError("a mistake in a listener");
  const listeners: readonly [string, () => unknown][] = [
    [
      "throws",
      () => {
        throw bug;
      },
    ],
    ["rejects", async () => Promise.reject(bug)],
  ];

  describe.each(Object.entries(scenes))(`a listener to '%s' of a ${kind}`, (event, prepare) => {
    it.each(listeners)("that %s is an uncaught exception and does no other harm", async (_how, fail) => {
      const caught = keepUncaught();
      const { teller, provoke, afterwards } = await prepare();
      (teller as Teller).once(event, fail);
      await provoke();
      while (caught.length === 0) await nextTurn();
      await afterwards();
      expect(new Set(caught)).toEqual(new Set([bug]));
    });
  });
}
