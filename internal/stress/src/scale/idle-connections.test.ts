import { expect, it } from "vitest";
import { runIdleConnections } from "./idle-connections.js";

it("a server of idle clients has fewer timers than clients", { timeout: 120_000 }, async () => {
  const order = { clients: 20, encryption: false, processes: 1, heartbeatMs: 100, idleMs: 1 };
  const { clients, timers } = await runIdleConnections(order);
  expect(clients).toBe(order.clients);
  expect(timers).toBeLessThan(order.clients);
});
