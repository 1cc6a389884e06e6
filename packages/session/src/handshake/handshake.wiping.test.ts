import { createRequire, syncBuiltinESMExports } from "node:module";
import { memoryPair } from "@ipc/transport";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSession, type SessionOptions } from "../lifecycle/session.js";

/** The module whose functions every import of `node:crypto` is bound to, also in the built packages. */
const crypto = createRequire(import.meta.url)("node:crypto") as typeof import("node:crypto");
const real = crypto.diffieHellman;

/** Every shared X that was derived, as it is now. */
const derived: Buffer[] = [];

beforeEach(() => {
  derived.length = 0;
  crypto.diffieHellman = ((...given: Parameters<typeof real>) => {
    const x = real(...given);
    derived.push(x);
    return x;
  }) as typeof real;
  syncBuiltinESMExports();
});

afterEach(() => {
  crypto.diffieHellman = real;
  syncBuiltinESMExports();
});

const psk = (fill: number): Partial<SessionOptions> => ({ security: { psk: new Uint8Array(32).fill(fill) } });
const GOLANG: Partial<SessionOptions> = { security: { wire: "golang-ipc" } };

test.each<[string, Partial<SessionOptions>, Partial<SessionOptions>]>([
  ["a secure session", {}, {}],
  ["golang-ipc's protocol", GOLANG, {}],
  ["a failed proof", psk(1), psk(2)],
  ["an offer that is refused", psk(1), {}],
  ["a client that is refused", GOLANG, psk(1)],
])("client and server wipe their shared secret when the handshake ends with %s", async (_what, ofClient, ofServer) => {
  const [near, far] = memoryPair();
  const opened = await Promise.allSettled([
    openSession(near, { role: "client", ...ofClient }),
    openSession(far, { role: "server", ...ofServer }),
  ]);
  expect(derived.map((x) => x.toString("hex"))).toEqual(new Array(2).fill("00".repeat(48)));
  for (const outcome of opened) if (outcome.status === "fulfilled") outcome.value.destroy();
});
