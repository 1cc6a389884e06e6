import { expect, it } from "vitest";
import { measureInTurns, type Outcomes, reportResume } from "./resume.js";

const outcomes = (rates: readonly number[], delays = rates.map(() => 1.1)): Outcomes => ({
  secure: rates.map(() => ({
    figures: { awaited: 100, "when it must": 100, writerP99Ms: 2, readerP99Ms: 5, writerMs: 5 },
  })),
  "secure, resume": rates.map((rate, round) => ({
    figures: {
      awaited: rate,
      "when it must": 100,
      writerP99Ms: 2 * (delays[round] ?? 1),
      readerP99Ms: 5.5,
      writerMs: 6,
    },
  })),
});

it("reports medians and the median of the ratios of all rounds", () => {
  const { figures, met } = reportResume(outcomes([80, 90, 95]));
  expect(figures).toContain("90.0 (80.0 … 95.0)");
  expect(figures).toMatch(/with ÷ without \| +0\.90 \|/);
  expect(figures).toMatch(/with ÷ without \| +1\.10 \| +1\.20 \| +1\.10 \|/);
  expect([
    met,
    figures
      .split("\n\n")
      .slice(-2)
      .map((line) => line.split(": ").at(-1)),
  ]).toEqual([true, ["met.", "met."]]);
});

it("misses the target when messages in one manner are slower than that", () => {
  const { figures, met } = reportResume(outcomes([80, 84, 95]));
  expect([met, figures.includes("in both manners: MISSED.")]).toEqual([false, true]);
});

it("misses the target when the event loop of one end is held up longer than that in most rounds", () => {
  expect(reportResume(outcomes([100, 100, 100], [1, 9, 1])).met).toBe(true);
  const { figures, met } = reportResume(outcomes([100, 100, 100], [1, 1.2, 1.2]));
  expect([met, figures.endsWith("at both ends: MISSED.")]).toEqual([false, true]);
});

it("tells how many of the figures were measured before their process had settled", () => {
  expect(reportResume(outcomes([90, 90])).figures).toContain("All warm-ups settled.");
  const rounds = outcomes([90, 90]);
  const [first, ...others] = rounds["secure"] ?? [];
  const secure = [{ figures: first?.figures ?? {}, unsettled: ["awaited", "writerP99Ms", "p50Us"] }, ...others];
  const { figures } = reportResume({ ...rounds, secure });
  expect(figures).toContain("The warm-up of 2 of 16 figures did not settle.");
});

it("measures both in processes of their own", async () => {
  const order = { workload: "exchange", size: 64, pings: 1, pingMs: 1, manners: ["awaited"], sendMs: 1 } as const;
  const measured = await measureInTurns(1, [order]);
  const rates = Object.values(measured).flatMap((rounds) => rounds.map(({ figures }) => figures["awaited"] ?? 0));
  expect(rates).toEqual([expect.any(Number), expect.any(Number)]);
  expect(Math.min(...rates)).toBeGreaterThan(0);
});
