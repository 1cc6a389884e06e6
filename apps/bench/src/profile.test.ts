import { expect, it } from "vitest";
import { PARTS, profile, sumUpTicks } from "./profile.js";

const node = (id: number, functionName: string, url: string, children: number[] = []) => ({
  id,
  callFrame: { functionName, url },
  children,
});

it("ticks count for the file they are in, those of native functions for their caller, and those outside the window not", () => {
  const nodes = [
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
  const counted = [2, 3, 4, 5, 6, 7, 8, 9];
  const samples = [...counted.map(() => 7), ...counted, 2, 2];
  const { busy, parts } = sumUpTicks(
    { nodes, samples, timeDeltas: samples.map(() => 1_000), startTime: 50_000 },
    { fromUs: 58_000, untilUs: 66_000 },
  );
  expect(busy).toBe(7 / 8);
  const sevenths = Object.fromEntries(PARTS.map((part) => [part, Math.round(parts[part] * 7)]));
  expect(sevenths).toEqual({
    ...{ framing: 0, crypto: 0, session: 2, benchmark: 1 },
    ...{ ciphers: 2, node: 0, system: 1, garbage: 1 },
  });
});

it("both processes of an order are told of, and the parts of each make a whole", async () => {
  const order = { workload: "count", size: 64, messages: 200, manner: "awaited", warmUpMs: 20 } as const;
  const profiles = await profile("secure", order, 10);
  expect(profiles.map(({ end }) => end)).toEqual(["client", "server"]);
  for (const { parts } of profiles) {
    expect(Object.values(parts).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
  }
});
