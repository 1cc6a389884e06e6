import { expect, it } from "vitest";
import { describeKills, quantile } from "./kill-figures.js";
import type { KillResult, KillRun } from "./kill-run.js";

function result(victim: KillRun["victim"], backMs: readonly number[]): KillResult {
  const run = { victim, encryption: true, kills: backMs.length, away: false };
  return {
    run,
    backMs,
    survivor: { heard: 1_234, reconnects: backMs.length, codes: { "lost IPC_CONNECTION_LOST": 2 } },
  };
}

const fast = Array.from({ length: 98 }, () => 100);

it("a quantile is the smallest figure that so many do not exceed", () => {
  const figures = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect([0.5, 0.99, 1].map((share) => quantile(figures, share))).toEqual([100, 198, 200]);
  expect(quantile([7], 0.99)).toBe(7);
});

it("the target is met when 99 of 100 clients are back in time, and by servers alone", () => {
  expect(describeKills([result("server", [...fast, 500, 9_999])], []).met).toBe(true);
  expect(describeKills([result("server", [...fast, 501, 9_999])], []).met).toBe(false);
  expect(describeKills([result("client", [9_999])], []).met).toBe(true);
});

it("figures name the killed side, how long its clients were away, and what the others saw", () => {
  const { figures } = describeKills([result("server", [...fast, 500, 9_999])], []);
  expect(figures).toContain("| server, secure | 100 | 100 | 500 | 9 999 | 1 234 |");
  expect(figures).toContain("| lost IPC_CONNECTION_LOST | 2 |");
  expect(figures).toContain(": met.");
  expect(describeKills([result("server", [501])], []).figures).toContain(": MISSED.");
});
