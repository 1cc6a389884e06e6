import { createRequire, syncBuiltinESMExports } from "node:module";
import { importPsk } from "@ipc/crypto";
import { memoryPair } from "@ipc/transport";
import { expect, onTestFinished, test } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import type { HandshakeOutcome } from "../codec/codec.js";
import { clientHandshake } from "../handshake/client-handshake.js";
import { runHandshake } from "../handshake/run-handshake.js";
import { serverHandshake } from "../handshake/server-handshake.js";
import type { Handshake } from "../handshake/steps.js";
import { NO_CREDENTIALS } from "../negotiation/credentials.js";
import { openSession } from "./session.js";

/** The module whose functions every import of `node:crypto` is bound to, also in the built packages. */
const crypto = createRequire(import.meta.url)("node:crypto") as typeof import("node:crypto");

test("two hundred sides that connect at once derive their secrets in a macrotask each", async () => {
  stopClock();
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
      return Promise.all([openSession(near, { role: "client" }), openSession(far, { role: "server" })]);
    }),
  );
  expect(at).toHaveLength(200);
  expect(new Set(at).size).toBe(200);
  for (const session of sessions.flat()) session.destroy();
});

test("a server tries each of its pre-shared keys in a macrotask of its own, because any client can send junk", async () => {
  stopClock();
  const steps: string[] = [];
  function* noting(handshake: Handshake<HandshakeOutcome>): Handshake<HandshakeOutcome> {
    let step = handshake.next();
    while (step.done !== true) {
      steps.push(step.value.kind);
      step = handshake.next(yield step.value);
    }
    return step.value;
  }
  const psks = [1, 2, 3, 4].map((fill) => importPsk(new Uint8Array(32).fill(fill)));
  const credentialsOf = (keys: typeof psks) => ({ ...NO_CREDENTIALS, psks: keys, require: true });
  const [near, far] = memoryPair();
  const limits = { encryption: true, maxMessageSize: 1_024 };
  const server = noting(serverHandshake({ ...limits, credentials: credentialsOf(psks) }));
  const client = clientHandshake({
    name: "turns",
    maxMessageSize: 2_048,
    encryption: true,
    credentials: credentialsOf(psks.slice(3)),
  });
  await Promise.all([
    runHandshake(near, server, { timeoutMs: 5_000 }),
    runHandshake(far, client, { timeoutMs: 5_000 }),
  ]);
  near.destroy();
  far.destroy();
  expect(steps.filter((kind) => kind === "cpuQueue")).toHaveLength(4);
  expect(steps.lastIndexOf("receive")).toBeLessThan(steps.indexOf("cpuQueue"));
});
