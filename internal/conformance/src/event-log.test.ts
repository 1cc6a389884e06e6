import { getEventListeners } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { EventLog } from "./event-log.js";

const isB = (event: unknown): boolean => event === "b";

describe("a wait for an event", () => {
  it("that has settled leaves nothing behind that runs later", async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout");
    const log = new EventLog<string>("letters");
    const found = log.next("b", isB);
    const failed = log.next("c", () => false);
    const signals = timeout.mock.results.map(({ value }) => value as AbortSignal);
    timeout.mockRestore();
    expect(signals.map((signal) => getEventListeners(signal, "abort").length)).toEqual([1, 1]);
    log.push("b");
    log.end("it is over");
    await expect(found).resolves.toBe("b");
    await expect(failed).rejects.toThrow("letters: waiting for c: it is over; seen: [ 'b' ]");
    expect(signals.map((signal) => getEventListeners(signal, "abort").length)).toEqual([0, 0]);
  });

  it("fails with the beginning of a long event, and with the last 20 of many", async () => {
    const log = new EventLog<{ data: Uint8Array; text: string }>("messages");
    for (let i = 0; i < 100; i++) log.push({ data: new Uint8Array(3_000_000), text: "x".repeat(3_000_000) });
    log.end("it is over");
    const failure: Error = await log
      .next("an answer", () => false)
      .then(
        () => expect.fail(),
        (error: Error) => error,
      );
    expect(failure.message.length).toBeLessThan(20_000);
    expect(failure.message.match(/text: /g)).toHaveLength(20);
  });
});
