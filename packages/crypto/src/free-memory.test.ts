import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { freeMemory } from "./free-memory.js";

test("memory of 16 384 bytes or more is freed at once", () => {
  // The first call allocates what the later ones use.
  freeMemory(Buffer.allocUnsafeSlow(16_384));
  for (const bytes of [16_384, 65_536, 1_048_576]) {
    const memory = Buffer.allocUnsafeSlow(bytes);
    const before = process.memoryUsage().arrayBuffers;
    freeMemory(memory);
    expect([memory.length, memory.buffer.byteLength]).toEqual([0, 0]);
    // The collector may have freed other memory meanwhile.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThanOrEqual(-bytes);
  }
});

test("smaller memory, a part of larger memory, and memory that threads share are left alone", () => {
  const small = new Uint8Array(16_383);
  const part = new Uint8Array(100_000).subarray(0, 50_000);
  const shared = new Uint8Array(new SharedArrayBuffer(100_000));
  for (const memory of [small, part, shared]) {
    const { length } = memory;
    freeMemory(memory);
    expect(memory).toHaveLength(length);
  }
});

test("importing the package does not load node:worker_threads", () => {
  const bundle = createRequire(import.meta.url).resolve("@ipc/crypto");
  const script = `require(${JSON.stringify(bundle)}); console.log(process.moduleLoadList.includes("NativeModule worker_threads"))`;
  expect(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" })).toBe("false\n");
});
