import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { outcomeOf } from "./outcome.js";

/** Begins a wait that nothing but the signal ends. */
type Wait = (signal: AbortSignal) => Promise<unknown>;

/**
 * Ends each of these waits by its signal: it rejects with IPC_ABORTED, whose cause is the signal's reason, and leaves no
 * listener behind; with a signal that has fired already, too.
 * @param prepare makes what is waited with, and returns what must hold afterwards: that it is unharmed
 */
export function describeAborts<T>(
  kind: string,
  prepare: () => Promise<{ readonly with: T; readonly unharmed: () => Promise<unknown> }>,
  waits: Readonly<Record<string, (subject: T) => Wait>>,
): void {
  const reason = new Error("enough");
  const aborted = { name: "AbortError", code: "IPC_ABORTED", cause: reason };

  describe.each(Object.entries(waits))(`a ${kind} with a pending wait for %s`, (_what, wait) => {
    it("goes on when the signal ends that", async () => {
      const { with: subject, unharmed } = await prepare();
      const controller = new AbortController();
      const waiting = wait(subject)(controller.signal);
      expect((await outcomeOf(() => waiting, undefined)).now).toBeUndefined();
      controller.abort(reason);
      await expect(waiting).rejects.toMatchObject(aborted);
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
      await unharmed();
    });

    it("goes on when the signal had fired before", async () => {
      const { with: subject, unharmed } = await prepare();
      const signal = AbortSignal.abort(reason);
      await expect(wait(subject)(signal)).rejects.toMatchObject(aborted);
      expect(getEventListeners(signal, "abort")).toEqual([]);
      await unharmed();
    });
  });
}
