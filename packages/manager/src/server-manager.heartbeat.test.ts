import { expect, it, vi } from "vitest";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { serve } from "../test/served.js";

it("a manager has one timer for the heartbeat of all its connections, from the first to the last", async () => {
  stopClock();
  const { manager, visit } = await serve({ encryption: false });
  const before = vi.getTimerCount();
  const visits = [];
  for (let client = 0; client < 20; client++) visits.push(await visit({ heartbeatMs: 0 }));
  expect(vi.getTimerCount()).toBe(before + 1);
  for (const { connection } of visits) connection.destroy();
  expect(manager.connections.size).toBe(0);
  expect(vi.getTimerCount()).toBe(before);
});
