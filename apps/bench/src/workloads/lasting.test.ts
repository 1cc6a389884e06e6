import { describe, expect, it } from "vitest";
import { lasting } from "./lasting.js";

/** Runs a work of 1 s whose rates are these, the last one for ever, and tells how many messages each flow had. */
async function run(rates: readonly number[]) {
  const counts: number[] = [];
  const result = await lasting(1_000, async (messages) => {
    counts.push(messages);
    return { perSecond: rates[counts.length - 1] ?? rates.at(-1) ?? Number.NaN };
  });
  return { ...result, counts };
}

describe("a work of a second", () => {
  it("doubles until a flow fills a window, runs windows until they agree, then measures as many as take the second", async () => {
    const { flow, isSettled, counts } = await run([2_000]);
    expect(counts).toEqual([64, 128, 256, 512, ...new Array(15).fill(80), 2_000]);
    expect(flow).toEqual({ perSecond: 2_000 });
    expect(isSettled).toBe(true);
  });

  it("is measured again where a pause just before made it look slow", async () => {
    const steady = new Array(19).fill(2_000);
    const { flow, counts } = await run([...steady.slice(1), 100, 4_000, 2_000]);
    expect(counts.slice(-2)).toEqual([100, 4_000]);
    expect(flow).toEqual({ perSecond: 2_000 });
  });

  it("is measured, and says so, where its rate does not settle", async () => {
    const uneven = Array.from({ length: 104 }, (_, flow) => (Math.floor((flow + 1) / 5) % 2 === 0 ? 2_000 : 3_000));
    const { isSettled, counts } = await run(uneven);
    expect(isSettled).toBe(false);
    expect(counts.length).toBe(4 + 20 * 5 + 1);
  });
});
