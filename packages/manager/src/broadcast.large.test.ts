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

it.each([65_472, 65_528, 65_529, 65_535, 65_536])(
  "sends %i bytes as they were when the caller reuses them after an abort",
  async (size) => {
    const { manager, visitRaw } = await serve({ encryption: false });
    const { raw, connection } = await visitRaw();
    raw.stream.pause();
    // More than the kernel takes, and under the budget of the queue: what follows stays in this process.
    const before = new Uint8Array(600_000);
    void connection.write(1, before);
    const data = new Uint8Array(size).fill(7);
    const abort = new AbortController();
    const broadcast = manager.broadcast(2, data, { signal: abort.signal });
    abort.abort();
    await broadcast;
    data.fill(9);
    raw.stream.resume();
    await raw.read(8 + before.length);
    const frame = await raw.read(8 + size);
    expect(frame.subarray(8).every((byte) => byte === 7)).toBe(true);
  },
);

it.each(["skip", "disconnect"] as const)(
  "counts no client as slow that is still being sent a large message within its budget, with `%s`",
  async (slow) => {
    const { manager, visit } = await serve();
    const { client, connection } = await visit({ maxUnreadBytes: 1_024 });
    const lengths = [300_000, 300_000, 300_000, 5];
    const accepted = { accepted: [connection], skipped: [], failed: [] };
    const results = lengths.map((length) => manager.broadcast(1, new Uint8Array(length), { slow, slowTimeoutMs: 1 }));
    // The client does not read on, and no result waits for it.
    expect(await Promise.all(results)).toEqual(lengths.map(() => accepted));
    const received: number[] = [];
    for await (const { data } of client) if (received.push(data.length) === lengths.length) break;
    expect(received).toEqual(lengths);
  },
);

it("takes back nothing from a client that the result calls accepted when the signal is aborted later", async () => {
  const { manager, visit } = await serve();
  const { client } = await visit({ maxUnreadBytes: 1_024 });
  const abort = new AbortController();
  const lengths = [300_000, 300_000, 5];
  await Promise.all(
    lengths.map((length) => manager.broadcast(1, new Uint8Array(length), { slow: "skip", signal: abort.signal })),
  );
  abort.abort();
  const received: number[] = [];
  for await (const { data } of client) if (received.push(data.length) === lengths.length) break;
  expect(received).toEqual(lengths);
});
