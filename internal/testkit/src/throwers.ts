import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { keepWarnings } from "./process-warnings.js";
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
  /** Checks that the rest goes on, or has ended; a connection that the listener was called for has ended. */
  readonly afterwards: () => Promise<unknown>;
}

/** Lets a listener of each event throw, then reject: one process warning each, and at most a connection ends. */
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
    it.each(listeners)("that %s causes a process warning, and ends at most its connection", async (_how, fail) => {
      const caught = keepUncaught();
      const warnings = keepWarnings();
      const { teller, provoke, afterwards } = await prepare();
      (teller as Teller).once(event, fail);
      await provoke();
      while (warnings.length === 0) await nextTurn();
      await afterwards();
      expect(warnings).toEqual([
        [
          expect.stringContaining(`\`${event}\` listener failed: a mistake in a listener; `),
          { code: "IPC_LISTENER_FAILED", detail: bug.stack },
        ],
      ]);
      expect(caught).toEqual([]);
    });
  });
}
