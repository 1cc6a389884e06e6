import { expect, it } from "vitest";
import { nextTurn, serve } from "../test/served.js";
import type { BroadcastResult } from "./broadcast.js";

it("disconnects nobody who had room, also where the kernel does not take a large message in time", async () => {
  const { manager, visitRaw } = await serve({ encryption: false });
  const { raw, connection } = await visitRaw();
  raw.stream.pause();
  const result: BroadcastResult = await manager.broadcast(1, new Uint8Array(1_000_000), {
    slow: "disconnect",
    slowTimeoutMs: 20,
  });
  await nextTurn();
  expect(result).toMatchObject({ accepted: [connection], failed: [] });
  expect(connection.status).toBe("Connected");
});
