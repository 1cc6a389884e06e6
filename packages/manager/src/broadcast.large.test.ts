import { expect, it } from "vitest";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { nextTurn, serve } from "../test/served.js";
import type { BroadcastResult } from "./broadcast.js";

it("disconnects no client that had room when its stream does not take a large message in time", async () => {
  const { manager, visitRaw } = await serve({ encryption: false });
  const { raw, connection } = await visitRaw();
  raw.stream.pause();
  const pass = stopClock();
  const broadcast = manager.broadcast(1, new Uint8Array(1_000_000), { slow: "disconnect", slowTimeoutMs: 20 });
  pass(20);
  const result: BroadcastResult = await broadcast;
  await nextTurn();
  expect(result).toMatchObject({ accepted: [connection], failed: [] });
  expect(connection.status).toBe("Connected");
});
