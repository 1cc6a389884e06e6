import { expect, it } from "vitest";
import { playSoak } from "./soak.js";

it("leaves no descriptor, timer or file behind after a round of everything", { timeout: 120_000 }, async () => {
  const [first, last] = await playSoak({ warmUp: 1, looks: 1, lookMs: 0 });
  expect([first?.rounds, last?.rounds]).toEqual([1, 2]);
  expect(last?.messages).toBeGreaterThan(first?.messages ?? 0);
  expect([last?.footprint.descriptors, last?.footprint.resources, last?.files]).toEqual([
    first?.footprint.descriptors,
    first?.footprint.resources,
    first?.files,
  ]);
});
