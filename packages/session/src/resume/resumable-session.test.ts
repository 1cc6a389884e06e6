import { describe, expect, it, vi } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { sendOf, someSession } from "../../test/some-session.js";
import type { DeliveryCounts } from "../codec/control-frame.js";
import type { SessionLostError } from "../errors.js";

describe("a session that goes on over another connection", () => {
  it("acknowledges again what it told over the one that was cut, because that may be lost", () => {
    const advance = stopClock();
    const session = someSession();
    const told: DeliveryCounts[] = [];
    const connect = (): void =>
      session.attach((counts) => {
        told.push(counts);
        return true;
      });
    connect();
    session.onReceived(1);
    session.steps.handOut();
    advance(20);
    session.detach([]);
    connect();
    advance(20);
    expect(told).toEqual([
      { received: 1, taken: 1 },
      { received: 1, taken: 1 },
    ]);
    advance(1_000);
    expect(told).toHaveLength(2);
  });
});

describe("a session that is lost", () => {
  /** Copies and views that are made while `run` runs. */
  function memoryOf(run: () => void): number {
    const spies = (["slice", "subarray"] as const).map((method) => vi.spyOn(Uint8Array.prototype, method));
    run();
    const calls = spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
    for (const spy of spies) spy.mockRestore();
    return calls;
  }

  it("tells at once how many messages did not arrive, and neither copies nor looks at one until they are read", () => {
    const counts = [100, 5_000].map((messages) => {
      const session = someSession();
      for (let number = 1; number <= messages; number++)
        session.resend.keepMessage(number, Uint8Array.of(number), false);
      let error: SessionLostError | undefined;
      const atLoss = memoryOf(() => {
        error = session.end("IPC_SESSION_LOST", "session lost");
      });
      expect(error).toMatchObject({ unconfirmed: 0, message: expect.stringContaining(`${messages} did not arrive`) });
      const whenRead = memoryOf(() => expect(error?.undelivered).toHaveLength(messages));
      expect(error?.undelivered).toBe(error?.undelivered);
      expect(error?.undelivered.at(-1)).toEqual({ type: messages, data: Uint8Array.of(messages) });
      return [atLoss, whenRead];
    });
    // Memory that is mostly unused is copied as a whole.
    expect(counts.filter(([atLoss = 0]) => atLoss > 1)).toEqual([]);
    expect(counts.map(([, whenRead]) => whenRead)).toEqual([100, 5_000]);
  });

  it("is complete only if the peer has taken every message", () => {
    const sessions = [0, 1].map((messages) => {
      const session = someSession();
      sendOf(session, messages);
      session.end("IPC_PEER_CLOSED", "closed");
      return session.isComplete;
    });
    expect(sessions).toEqual([true, false]);
  });
});
