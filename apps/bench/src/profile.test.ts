import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { CALL_PARTS, JSON_FUNCTIONS, PARTS, profile, sumUpTicks, type Ticks } from "./profile.js";

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
  const window = { fromUs: 58_000, untilUs: 66_000 };
  const { busy, parts } = sumUpTicks(ticks([...counted.map(() => 7), ...counted, 2, 2]), window, PARTS);
  expect(busy).toBe(7 / 8);
  const sevenths = Object.fromEntries(PARTS.map((part) => [part, (parts?.[part] ?? 0) * 7]));
  expect(sevenths).toEqual({
    ...{ framing: 0, crypto: 0, session: 2, benchmark: 1 },
    ...{ ciphers: 2, node: 0, system: 1, garbage: 1 },
  });
});

it("divides the time of calls into values, which include JSON's own functions, and the rest of @ipc/rpc", () => {
  const rpc = "file:///x/packages/rpc/dist/bundle.js";
  const nodes = [
    node(1, "(root)", "", [2]),
    node(2, "send", rpc, [3, 5]),
    node(3, "encodeValue", rpc, [4]),
    node(4, "stringify", ""),
    node(5, "addSmall", "file:///x/packages/session/dist/bundle.js"),
  ];
  const { parts } = sumUpTicks({ ...ticks([2, 3, 4, 5]), nodes }, { fromUs: 50_000, untilUs: 54_000 }, CALL_PARTS);
  expect(parts).toMatchObject({ rpc: 0.25, JSON: 0.5, session: 0.25, system: 0 });
});

it("knows the functions of @ipc/rpc that encode and decode values", async () => {
  const source = await readFile(new URL("../../../packages/rpc/src/wire/payload.ts", import.meta.url), "utf8");
  expect(JSON_FUNCTIONS.filter((name) => !source.includes(`function ${name}(`))).toEqual([]);
});

it("gives no shares when no sample falls into the window, and no parts when all samples sleep", () => {
  const asleep = ticks([7, 7, 2, 2]);
  expect(sumUpTicks(asleep, { fromUs: 53_900, untilUs: 53_950 }, PARTS)).toEqual({});
  expect(sumUpTicks(asleep, { fromUs: 52_000, untilUs: 54_000 }, PARTS)).toEqual({ busy: 0 });
});

it("refuses a window that ends outside the profile", () => {
  expect(() => sumUpTicks(ticks([7]), { fromUs: 50_000, untilUs: 51_001 }, PARTS)).toThrow("outside its profile");
  expect(() => sumUpTicks(ticks([7]), { fromUs: 49_000, untilUs: 49_999 }, PARTS)).toThrow("outside its profile");
});

const program = (file: string): string => fileURLToPath(new URL(`../dist/${file}`, import.meta.url));

it("profiles both processes of an order, on the clock that times its work", async () => {
  const order = { workload: "count", size: 64, messages: 200, manner: "awaited", warmUpMs: 0 } as const;
  const work = { program: program("client-process.js"), contestant: "secure", order, parts: PARTS };
  // The shares depend on the samples that V8 happens to take, so only the processes are compared.
  expect(await profile(work, 10)).toMatchObject([
    { contestant: "secure", end: "client" },
    { contestant: "secure", end: "server" },
  ]);
});

it("profiles both processes of calls", async () => {
  const order = { workload: "calls", seconds: 0.01, isProfiled: true } as const;
  const contestant = "@ipc/rpc, secure";
  const work = { program: program("calls/client-process.js"), contestant, order, parts: CALL_PARTS };
  expect(await profile(work, 10)).toMatchObject([
    { contestant, end: "client" },
    { contestant, end: "server" },
  ]);
});
