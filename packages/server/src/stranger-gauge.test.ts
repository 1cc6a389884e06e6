import { describe, expect, it } from "vitest";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { StrangerGauge } from "./stranger-gauge.js";

/** Plays seconds of so many handshakes each, that are started and proved. Returns whether it is a flood after each. */
function play(seconds: readonly (readonly [started: number, proved: number])[]): boolean[] {
  const advance = stopClock();
  const gauge = new StrangerGauge();
  return seconds.map(([started, proved]) => {
    for (let count = 0; count < started; count++) gauge.noteStarted();
    for (let count = 0; count < proved; count++) gauge.noteProved();
    advance(1_000);
    return gauge.isFlooded;
  });
}

describe("a gauge of unproved clients", () => {
  it("reports a flood when fewer than one handshake in 16 is proved in two seconds", () => {
    expect(
      play([
        [1_000, 62],
        [1_000, 62],
        [1_000, 0],
      ]),
    ).toEqual([false, true, true]);
  });

  it("reports no flood when one handshake in 16 is proved", () => {
    expect(
      play([
        [1_000, 63],
        [1_000, 63],
        [1_000, 63],
      ]),
    ).toEqual([false, false, false]);
  });

  it("reports no flood when the first handshakes of a crowd are proved in its second second", () => {
    expect(
      play([
        [1_000, 0],
        [1_000, 400],
        [0, 600],
      ]),
    ).toEqual([false, false, false]);
  });

  it("reports no flood for few handshakes, with any outcome", () => {
    expect(
      play([
        [32, 0],
        [32, 0],
        [33, 0],
        [33, 0],
      ]),
    ).toEqual([false, false, false, true]);
  });

  it("reports the end of a flood after a second", () => {
    expect(
      play([
        [1_000, 0],
        [1_000, 0],
        [1_000, 100],
        [1_000, 0],
      ]),
    ).toEqual([false, true, false, false]);
  });

  it("reports no flood after a second without handshakes", () => {
    const advance = stopClock();
    const gauge = new StrangerGauge();
    for (let second = 0; second < 2; second++) {
      for (let count = 0; count < 1_000; count++) gauge.noteStarted();
      advance(1_000);
    }
    expect(gauge.isFlooded).toBe(true);
    advance(2_000);
    expect(gauge.isFlooded).toBe(false);
  });
});
