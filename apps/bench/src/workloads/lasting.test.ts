import { expect, it } from "vitest";
import { lasting } from "./lasting.js";

it("doubles until it has warmed up, then measures as many as take the time", async () => {
  const counts: number[] = [];
  const { perSecond } = await lasting(1_000, async (messages) => {
    counts.push(messages);
    return { perSecond: 2_000 };
  });
  expect(counts).toEqual([64, 128, 256, 2_000]);
  expect(perSecond).toBe(2_000);
});

it("measures again where a pause has made the warm-up look slow", async () => {
  const counts: number[] = [];
  await lasting(1_000, async (messages) => {
    counts.push(messages);
    return { perSecond: counts.length === 1 ? 100 : 10_000 };
  });
  expect(counts).toEqual([64, 100, 10_000]);
});
