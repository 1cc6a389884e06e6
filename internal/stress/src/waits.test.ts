import { expect, test } from "vitest";
import { Waits } from "./waits.js";

test("names each promise until it resolves or rejects, and waits for all of them", async () => {
  const waits = new Waits();
  let resolve = (): void => {};
  const read = waits.track("a read", new Promise<void>((done) => (resolve = done)));
  const write = waits.track("a write", Promise.reject(new Error("lost")));
  expect(waits.names).toEqual(["a read", "a write"]);
  await expect(write).rejects.toThrow("lost");
  expect(waits.names).toEqual(["a read"]);
  const settled = waits.settle();
  void read.then(() => waits.track("a read behind it", Promise.resolve()));
  resolve();
  await settled;
  expect(waits.names).toEqual([]);
});
