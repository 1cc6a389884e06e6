import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { freeMemory } from "./free-memory.js";

const bundle = createRequire(import.meta.url).resolve("@ipc/crypto");

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

// glibc keeps free memory at the end of its heap up to twice the size of the largest block that was freed.
test.runIf(hasGlibc())("memory of a record that is freed again and again is not returned to the kernel", () => {
  const script = `
    const { freeMemory } = require(${JSON.stringify(bundle)});
    const rounds = (count) => {
      for (let round = 0; round < count; round++) {
        const records = [0, 1, 2, 3].map(() => Buffer.allocUnsafeSlow(262_144).fill(1));
        records.forEach(freeMemory);
      }
    };
    rounds(10);
    const before = process.resourceUsage().minorPageFault;
    rounds(100);
    console.log(process.resourceUsage().minorPageFault - before);
  `;
  const faults = Number(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }));
  // Each of the 100 rounds writes to 256 pages.
  expect(faults).toBeLessThan(2_560);
});

test("importing the package does not load node:worker_threads", () => {
  const script = `require(${JSON.stringify(bundle)}); console.log(process.moduleLoadList.includes("NativeModule worker_threads"))`;
  expect(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" })).toBe("false\n");
});

function hasGlibc(): boolean {
  const { header } = process.report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime !== undefined;
}
