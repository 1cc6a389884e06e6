import { queryObjects } from "node:v8";
import { memoryPair } from "@ipc/transport";
import { expect, it } from "vitest";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import type { PeerOptions } from "../options/peer-options.js";
import { openSession, type Session } from "./session.js";

const PAIRS = 50;

/** Opens both sides, each with a listener, and has each send a message. */
async function openPair(options: PeerOptions): Promise<void> {
  const [near, far] = memoryPair();
  const sides: readonly Session[] = await Promise.all([
    openSession(near, { ...options, role: "client" }),
    openSession(far, { ...options, role: "server" }),
  ]);
  for (const side of sides) untilTestEnds(side);
  const received = sides.map((side) => new Promise((resolve) => side.on("message", resolve)));
  for (const side of sides) void side.write(1, "hello");
  await Promise.all(received);
}

/** Counts what is reachable after a collection of the garbage. */
function countAll(): { readonly closures: number; readonly byteArrays: number } {
  return {
    closures: queryObjects(Function, { format: "count" }),
    byteArrays: queryObjects(Uint8Array, { format: "count" }),
  };
}

it.each<readonly [string, PeerOptions, number]>([
  ["plain", { encryption: false }, 3],
  ["secure", {}, 5],
])("creates at most 32 closures for an idle session, and few byte arrays (%s)", async (_wire, options, byteArrays) => {
  await openPair(options);
  const before = countAll();
  for (let pair = 0; pair < PAIRS; pair++) await openPair(options);
  const after = countAll();
  expect((after.closures - before.closures) / (2 * PAIRS)).toBeLessThan(32);
  expect((after.byteArrays - before.byteArrays) / (2 * PAIRS)).toBeLessThan(byteArrays);
});
