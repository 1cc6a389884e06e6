import { describe, expect, it } from "vitest";
import { TakenSteps } from "./taken-steps.js";

function handOut(steps: TakenSteps, isTaken = false): number {
  steps.handOut();
  return steps.begin(isTaken);
}

const create = (onChange = (): void => {}): TakenSteps => new TakenSteps(() => {}, onChange);

describe("taken", () => {
  it("counts a message that was handed out, unless a step for it is in progress", () => {
    const steps = create();
    steps.handOut();
    expect(steps.taken).toBe(1);
    const second = handOut(steps);
    expect(steps.taken).toBe(1);
    steps.end(second);
    expect(steps.taken).toBe(2);
  });

  it("counts a message that a read has returned, while its step is in progress", () => {
    const steps = create();
    const read = handOut(steps, true);
    expect([steps.taken, steps.count]).toEqual([1, 1]);
    steps.end(read);
    expect([steps.taken, steps.count]).toEqual([1, 0]);
  });

  it("counts no message behind one that is in progress", () => {
    const steps = create();
    const [first, second, third] = [handOut(steps), handOut(steps), handOut(steps)];
    steps.settle(second);
    expect(steps.taken).toBe(0);
    steps.settle(first);
    expect(steps.taken).toBe(2);
    steps.settle(third);
    expect(steps.taken).toBe(3);
  });

  it("counts a message when the last of its steps is over", () => {
    const steps = create();
    const one = handOut(steps);
    const other = steps.begin();
    steps.settle(one);
    expect(steps.taken).toBe(0);
    steps.settle(other);
    expect(steps.taken).toBe(1);
  });

  it("counts no message whose listeners have not returned, nor one whose promise is pending then", () => {
    const steps = create();
    expect(steps.deliver()).toBe(true);
    expect(steps.taken).toBe(0);
    const pending = steps.begin();
    steps.delivered();
    expect(steps.taken).toBe(0);
    steps.settle(pending);
    expect([steps.taken, steps.count]).toEqual([1, 0]);
  });

  it("reports each change", () => {
    let changes = 0;
    const steps = create(() => changes++);
    const step = handOut(steps);
    expect(changes).toBe(1);
    steps.settle(step);
    expect(changes).toBe(2);
  });
});
