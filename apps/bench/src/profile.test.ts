import { expect, it } from "vitest";
import { PARTS, profile, sumUpTicks, type Ticks } from "./profile.js";

const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url },
  children,
});

const NODES = [
  node(1, "(root)", "", [2, 3, 4, 5, 7]),
  node(2, "(idle)", ""),
  node(3, "(program)", ""),
  node(4, "(garbage collector)", ""),
  node(5, "write", "file:///x/packages/session/dist/outbox.js", [6, 8]),
  node(6, "Cipheriv", "node:internal/crypto/cipher", [9]),
  node(7, "count", "file:///x/apps/bench/dist/service.js"),
  node(8, "set", ""),
  node(9, "update", ""),
];

/** A profile that starts at 50 ms, with a sample each millisecond. */
function ticks(samples: readonly number[]): Ticks {
  const timeDeltas = samples.map(() => 1_000);
  return { nodes: NODES, samples, timeDeltas, startTime: 50_000, endTime: 50_000 + 1_000 * samples.length };
}

it("counts ticks for their file, those of native functions for their caller, and none outside the window", () => {
  const counted = [2, 3, 4, 5, 6, 7, 8, 9];
  const { busy, parts } = sumUpTicks(ticks([...counted.map(() => 7), ...counted, 2, 2]), {
    fromUs: 58_000,
    untilUs: 66_000,
  });
  expect(busy).toBe(7 / 8);
  const sevenths = Object.fromEntries(PARTS.map((part) => [part, (parts?.[part] ?? 0) * 7]));
  expect(sevenths).toEqual({
    ...{ framing: 0, crypto: 0, session: 2, benchmark: 1 },
    ...{ ciphers: 2, node: 0, system: 1, garbage: 1 },
  });
});

it("gives no shares when no sample falls into the window, and no parts when all samples sleep", () => {
  const asleep = ticks([7, 7, 2, 2]);
  expect(sumUpTicks(asleep, { fromUs: 53_900, untilUs: 53_950 })).toEqual({});
  expect(sumUpTicks(asleep, { fromUs: 52_000, untilUs: 54_000 })).toEqual({ busy: 0 });
});

it("refuses a window that ends outside the profile", () => {
  expect(() => sumUpTicks(ticks([7]), { fromUs: 50_000, untilUs: 51_001 })).toThrow("outside its profile");
  expect(() => sumUpTicks(ticks([7]), { fromUs: 49_000, untilUs: 49_999 })).toThrow("outside its profile");
});

it("profiles both processes of an order, on the clock that times its work", async () => {
  const order = { workload: "count", size: 64, messages: 200, manner: "awaited", warmUpMs: 0 } as const;
  // The shares depend on the samples that V8 happens to take, so only the processes are compared.
  const profiles = await profile("secure", order, 10);
  expect(profiles.map(({ contestant, end }) => ({ contestant, end }))).toEqual([
    { contestant: "secure", end: "client" },
    { contestant: "secure", end: "server" },
  ]);
});
