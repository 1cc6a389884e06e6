import { expect, it } from "vitest";
import { runIdleConnections } from "./idle-connections.js";

it("a server of idle clients has one timer more with a heartbeat, however many they are", {
  timeout: 120_000,
}, async () => {
  const timersOf = async (clients: number, heartbeatMs: number): Promise<number> => {
    const report = await runIdleConnections({ clients, encryption: false, processes: 2, heartbeatMs, idleMs: 1 });
    expect(report.clients).toBe(clients);
    return report.timers;
  };
  const without = await timersOf(40, 0);
  expect([await timersOf(10, 100), await timersOf(40, 100)]).toEqual([without + 1, without + 1]);
});
