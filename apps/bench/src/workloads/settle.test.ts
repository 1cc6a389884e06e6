import { describe, expect, it } from "vitest";
import { settle } from "./settle.js";

/** Runs windows with these figures, and tells how many it took. */
async function run(windows: readonly (readonly number[])[]): Promise<{ isSettled: boolean; count: number }> {
  let count = 0;
  const isSettled = await settle(async () => windows[count++] ?? []);
  return { isSettled, count };
}

describe("a warm-up", () => {
  it("ends when the medians of three windows in a row differ by 5 % at the most", async () => {
    expect(await run([[200], [150], [106], [105], [100], [100], [105], [100]])).toEqual({ isSettled: true, count: 6 });
  });

  it("goes on where each window agrees with the one before, but not with the first of three", async () => {
    expect(await run([[112], [108], [104], [100], [100], [100]])).toEqual({ isSettled: true, count: 5 });
  });

  it("takes a window by its median, so that one long pause does not count", async () => {
    expect(
      await run([
        [100, 100, 9_000],
        [100, 101, 102],
        [99, 100, 8_000],
      ]),
    ).toEqual({ isSettled: true, count: 3 });
  });

  it("says after 20 windows that it has not settled", async () => {
    const uneven = Array.from({ length: 30 }, (_, index) => [index % 2 === 0 ? 100 : 110]);
    expect(await run(uneven)).toEqual({ isSettled: false, count: 20 });
  });
});
