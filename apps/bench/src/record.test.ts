import { expect, it } from "vitest";
import { packRun, unpackRun } from "./record.js";
import { Figures, type Results } from "./results.js";
import type { Sample } from "./schedule.js";

const PLACE = { section: "exchange", at: 65_536, contestant: "plain" };

function run(...outcomes: readonly Sample["outcome"][]): Results {
  const samples = outcomes.map((outcome, round): Sample => ({ ...PLACE, round, seconds: 1, outcome }));
  return { machine: "this", isQuick: false, minutes: 1, contestants: [], notRun: [], samples };
}

it("keeps the figures of each round to five digits, and the medians of the quantiles", () => {
  const kept = unpackRun(
    packRun(
      run(
        { figures: { awaited: 1.234567, bytes: 1_234_567 }, quantilesUs: [1, 9] },
        { figures: { awaited: 2 }, quantilesUs: [2, 7] },
        { figures: { awaited: 3, bytes: 3 }, quantilesUs: [3, 8] },
      ),
    ),
  );
  const figures = new Figures(kept.samples);
  expect(kept.machine).toBe("this");
  expect(figures.all({ ...PLACE, figure: "awaited" })).toEqual([1.2346, 2, 3]);
  expect(figures.all({ ...PLACE, figure: "bytes" })).toEqual([1_234_567, 3]);
  expect(figures.quantilesUs(PLACE)).toEqual([2, 8]);
  expect(packRun(kept)).toBe(packRun(unpackRun(packRun(kept))));
});

it("keeps in how many rounds the warm-up of a figure did not settle", () => {
  const steady = { figures: { awaited: 1, p50Us: 2 }, unsettled: [] };
  const not = { ...steady, unsettled: ["p50Us"] };
  const recorded = run(steady, not, steady, not);
  const kept = unpackRun(packRun(recorded));
  for (const { samples } of [recorded, kept]) {
    const figures = new Figures(samples);
    expect(["awaited", "p50Us"].map((figure) => figures.isUnsettled({ ...PLACE, figure }))).toEqual([false, true]);
    expect(figures.remarks()).toEqual(["exchange: the warm-up of 2 of 8 figures did not settle."]);
  }
  expect(packRun(kept)).toBe(packRun(recorded));
});

it.each([{ failed: "lost a message" }, { cannot: "has one client" }, { skipped: "is too slow" }])(
  "keeps why there is no figure: %j",
  (why) => {
    const outcome = why as Sample["outcome"];
    const { samples } = unpackRun(packRun(run({ figures: { awaited: 1 } }, outcome)));
    expect(samples.at(-1)?.outcome).toEqual(why);
    expect(new Figures(samples).remarks()).toEqual(new Figures(run(outcome).samples).remarks());
  },
);
