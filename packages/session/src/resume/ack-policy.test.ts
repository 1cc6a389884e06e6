import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AckPolicy } from "./ack-policy.js";

const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

function start(
  answers: readonly boolean[] = [],
  bufferBytes = 4_194_304,
): { readonly policy: AckPolicy; readonly sent: () => number } {
  let sent = 0;
  const policy = new AckPolicy(() => answers[sent++] ?? true, bufferBytes);
  policy.start();
  vi.advanceTimersByTime(20);
  const before = sent;
  return { policy, sent: () => sent - before };
}

describe("an acknowledgement", () => {
  it("is sent 20 ms after the first of a few messages", () => {
    const { policy, sent } = start();
    policy.onReceived(1, 1);
    vi.advanceTimersByTime(10);
    policy.onReceived(1, 1);
    vi.advanceTimersByTime(9);
    expect(sent()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(sent()).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(sent()).toBe(1);
  });

  it("is sent 2 ms after the 64th message, however many come after it", () => {
    const { policy, sent } = start();
    for (let each = 0; each < 63; each++) policy.onReceived(1, 1);
    vi.advanceTimersByTime(19);
    expect(sent()).toBe(0);
    policy.onReceived(1, 1);
    vi.advanceTimersByTime(1);
    for (let each = 0; each < 1_000; each++) policy.onReceived(1, 1);
    expect(sent()).toBe(0);
    vi.advanceTimersByTime(1);
    expect(sent()).toBe(1);
    vi.advanceTimersByTime(1_000);
    expect(sent()).toBe(1);
  });

  it("is sent 2 ms after a batch with the 64th message, and after no later one before it is sent", () => {
    const { policy, sent } = start();
    policy.onReceived(63, 63);
    policy.onReceived(900, 900);
    vi.advanceTimersByTime(1);
    policy.onReceived(64, 64);
    vi.advanceTimersByTime(1);
    expect(sent()).toBe(1);
  });

  it("is sent once in the tick in which 256 KiB of frames have come, however many come after them", async () => {
    const { policy, sent } = start();
    policy.onReceived(1, 262_135);
    await tick();
    expect(sent()).toBe(0);
    policy.onReceived(1, 0);
    policy.onReceived(1, 262_144);
    expect(sent()).toBe(0);
    await tick();
    expect(sent()).toBe(1);
  });

  it("is sent after a quarter of what a side keeps, if that is less", async () => {
    const { policy, sent } = start([], 4_000);
    policy.onReceived(124, 0);
    await tick();
    expect(sent()).toBe(0);
    policy.onReceived(1, 0);
    await tick();
    expect(sent()).toBe(1);
  });

  it("is tried again with the next message, and after 20 ms, while an earlier one waits in the queue", async () => {
    const { policy, sent } = start([true, false, false]);
    policy.onReceived(1, 262_144);
    await tick();
    expect(sent()).toBe(1);
    policy.onReceived(1, 1);
    await tick();
    expect(sent()).toBe(2);
    vi.advanceTimersByTime(20);
    expect(sent()).toBe(3);
  });

  it("is not sent without a connection, and then 20 ms after the next one", async () => {
    const { policy, sent } = start();
    policy.stop();
    policy.onReceived(1, 262_144);
    policy.note();
    await tick();
    vi.advanceTimersByTime(100);
    expect(sent()).toBe(0);
    policy.start();
    vi.advanceTimersByTime(20);
    expect(sent()).toBe(1);
  });
});
