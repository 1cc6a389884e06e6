import { expect, it } from "vitest";
import { measureInTurns, type Outcomes, reportResume } from "./resume.js";

const outcomes = (...rates: readonly number[]): Outcomes => ({
  secure: rates.map(() => ({ figures: { awaited: 100, "when it must": 100, readerBusyMs: 5 } })),
  "secure, resume": rates.map((rate) => ({ figures: { awaited: rate, "when it must": 100, readerBusyMs: 6 } })),
});

it("reports medians and the median of the ratios of all rounds", () => {
  const { figures, met } = reportResume(outcomes(80, 90, 95));
  expect(figures).toContain("90.0 (80.0 … 95.0)");
  expect(figures).toMatch(/with ÷ without \| +0\.90 \|/);
  expect(figures).toMatch(/with ÷ without .* 1\.20 \|/);
  expect([met, figures.endsWith("in both manners: met.")]).toEqual([true, true]);
});

it("misses the target when messages in one manner are slower than that", () => {
  const { figures, met } = reportResume(outcomes(80, 84, 95));
  expect([met, figures.endsWith("MISSED.")]).toEqual([false, true]);
});

it("measures both in processes of their own", async () => {
  const order = { workload: "exchange", size: 64, pings: 1, pingMs: 1, manners: ["awaited"], sendMs: 1 } as const;
  const measured = await measureInTurns(1, [order]);
  const rates = Object.values(measured).flatMap((rounds) => rounds.map(({ figures }) => figures["awaited"] ?? 0));
  expect(rates).toEqual([expect.any(Number), expect.any(Number)]);
  expect(Math.min(...rates)).toBeGreaterThan(0);
});
