import { TransportError } from "@ipc/transport";
import { expect, test } from "vitest";
import { dialFormer } from "./dial.js";

test("a search for the former server asks less and less often, and a last time at its end", async () => {
  const asked: number[] = [];
  const start = performance.now();
  const ask = async () => {
    asked.push(performance.now() - start);
    throw new TransportError("IPC_NO_SERVER", "not there");
  };
  expect(await dialFormer(ask, 3_000, undefined)).toBeUndefined();
  // With the shortest pauses at 0, 100, 300, 700, 1 500 and 3 000 ms, of which a timer may miss one.
  expect(asked.length).toBeLessThanOrEqual(7);
  expect(asked.at(-1)).toBeGreaterThan(2_990);
});
