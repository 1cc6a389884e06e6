import { expect, it } from "vitest";
import { describeKills } from "./kill.js";
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

it("meets the target when 99 of 100 clients of a server are back in time", () => {
  expect(describeKills([result("server", [...fast, 500, 9_999])], []).met).toBe(true);
  expect(describeKills([result("server", [...fast, 501, 9_999])], []).met).toBe(false);
  expect(describeKills([result("client", [9_999])], []).met).toBe(true);
});

it("names the killed side, how long its clients were away, and what the others saw", () => {
  const { figures } = describeKills([result("server", [...fast, 500, 9_999])], []);
  expect(figures).toContain("| server, secure | 100 | 100 | 500 | 9 999 | 1 234 |");
  expect(figures).toContain("| lost IPC_CONNECTION_LOST | 2 |");
  expect(figures).toContain(": met.");
  expect(describeKills([result("server", [501])], []).figures).toContain(": MISSED.");
});
