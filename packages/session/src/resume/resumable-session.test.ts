import { describe, expect, it } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { someSession } from "../../test/some-session.js";
import type { DeliveryCounts } from "../codec/control-frame.js";

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
