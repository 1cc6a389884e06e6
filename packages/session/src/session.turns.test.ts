import { createRequire, syncBuiltinESMExports } from "node:module";
import { memoryPair } from "@ipc/transport";
import { expect, onTestFinished, test } from "vitest";
import { openSession } from "./session.js";

/** The module whose functions every import of `node:crypto` is bound to, also in the built packages. */
const crypto = createRequire(import.meta.url)("node:crypto") as typeof import("node:crypto");

/** A time limit that they do not meet on a slow machine either. */
const PATIENT = { handshakeTimeoutMs: 25_000 };

test("of two hundred sides that connect at once, no two derive in the same turn of the loop", async () => {
  let turns = 0;
  let immediate: NodeJS.Immediate;
  const next = (): void => {
    turns++;
    immediate = setImmediate(next);
  };
  immediate = setImmediate(next);
  const real = crypto.diffieHellman;
  const at: number[] = [];
  crypto.diffieHellman = ((...given: Parameters<typeof real>) => {
    at.push(turns);
    return real(...given);
  }) as typeof real;
  syncBuiltinESMExports();
  onTestFinished(() => {
    clearImmediate(immediate);
    crypto.diffieHellman = real;
    syncBuiltinESMExports();
  });
  const sessions = await Promise.all(
    Array.from({ length: 100 }, () => {
      const [near, far] = memoryPair();
      return Promise.all([
        openSession(near, { role: "client", ...PATIENT }),
        openSession(far, { role: "server", ...PATIENT }),
      ]);
    }),
  );
  expect(at).toHaveLength(200);
  expect(new Set(at).size).toBe(200);
  for (const session of sessions.flat()) session.destroy();
});
