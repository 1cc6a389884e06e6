import { expect, it } from "vitest";
import { command, reportTimes } from "./command.js";

it("reports medians, and the median of the differences to Node.js alone", () => {
  const { figures, met } = reportTimes({ "node -e 0": [40, 50, 60], "ipc --help": [90, 110, 130] });
  expect(figures).toMatch(/\| `ipc --help` \| +110 \(90\.0 … 130\) \| +60\.0 \|/);
  expect(figures).toContain("within 60 ms of `node -e 0`: met.");
  expect(met).toBe(true);
});

it("misses the target when the help takes more than 60 ms longer", () => {
  const { figures, met } = reportTimes({ "node -e 0": [40], "ipc --help": [101] });
  expect(figures).toMatch(/: MISSED\.$/);
  expect(met).toBe(false);
});

it("measures the real command", async () => {
  const { figures } = await command.run({ rounds: 1 });
  expect(figures).toMatch(/\| `ipc ping` +\| +[\d.]+( k)? \|/);
});
