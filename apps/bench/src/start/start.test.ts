import { expect, it } from "vitest";
import { EchoServers } from "./echo-servers.js";
import { measureImport, measureStart } from "./fresh-process.js";
import { LIBRARIES, reportTimes, startsAt } from "./start.js";

it("reports medians and the median ratio to ws of all rounds", () => {
  const { figures, met } = reportTimes(
    { ws: [100, 200, 300], "@ipc/client, secure": [90, 210, 240] },
    { ws: [10, 10, 10], "@ipc/client": [9, 8, 7] },
  );
  expect(figures).toContain("|  200 (100 … 300) | 1.00 |");
  expect(figures).toContain("| 210 (90.0 … 240) | 0.90 |");
  expect(met).toBe(true);
});

it.each([
  ["start", [110], [5]],
  ["import", [90], [11]],
])("misses the target when the %s takes longer than with ws", (_what, ours, imported) => {
  const { figures, met } = reportTimes(
    { ws: [100], "@ipc/client, secure": ours },
    { ws: [10], "@ipc/client": imported },
  );
  expect(met).toBe(false);
  expect(figures).toMatch(/of at most 1: MISSED\.$/);
});

it.each(["bare socket", "ws", "@ipc/client, secure"])(
  "measures a fresh process with %s until its answer",
  async (name) => {
    await using servers = await EchoServers.start();
    expect(await startsAt(servers)[name]?.()).toBeGreaterThan(0);
  },
);

it.each(LIBRARIES)("measures the import of %s in a fresh process", async (name) => {
  expect(await measureImport(name)).toBeGreaterThan(0);
});

it("rejects when a program gives another answer", async () => {
  await using servers = await EchoServers.start();
  await expect(measureStart("bare", servers.bare, "bye")).rejects.toThrow('bare printed "hello" instead of "bye"');
});
