import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import type { PeerOptions } from "../options/peer-options.js";

const PROGRAM = fileURLToPath(new URL("../../test/idle-sessions.mjs", import.meta.url));

// In a process of its own, because each count walks the whole heap.
it.each<readonly [string, PeerOptions, number]>([
  ["plain", { encryption: false }, 4],
  ["secure", {}, 8],
])(
  "creates at most 48 closures for a pair of idle sessions, and few byte arrays (%s)",
  async (_wire, options, byteArrays) => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--no-warnings", PROGRAM, JSON.stringify(options)]);
    const told = JSON.parse(stdout);
    expect([told.closures, told.byteArrays]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(told.closures).toBeLessThanOrEqual(48);
    expect(told.byteArrays).toBeLessThanOrEqual(byteArrays);
  },
);
