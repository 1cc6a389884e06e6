import { TransportError } from "@ipc/transport";
import { expect, test } from "vitest";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { dialFormer } from "./dial.js";

test("a search for the former server asks less and less often, and a last time at its end", async () => {
  const pass = stopClock();
  const asked: number[] = [];
  const start = performance.now();
  const ask = async () => {
    asked.push(performance.now() - start);
    throw new TransportError("IPC_NO_SERVER", "not there");
  };
  const wait = async (ms: number): Promise<void> => pass(Math.ceil(ms));
  expect(await dialFormer(ask, 3_000, undefined, wait)).toBeUndefined();
  // With the shortest pauses at 0, 100, 300, 700, 1 500 and 3 000 ms; with the longest at 0, 300, 900, 2 100 and 3 000 ms.
  expect(asked.length).toBeGreaterThanOrEqual(5);
  expect(asked.length).toBeLessThanOrEqual(6);
  expect([asked[0], asked.at(-1)]).toEqual([0, 3_000]);
});
