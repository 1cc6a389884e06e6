import { generateKeyPair } from "node:crypto";
import { setImmediate as nextMacrotask } from "node:timers/promises";
import { promisify } from "node:util";
import { startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { describe, expect, it, onTestFinished } from "vitest";
import { eventually } from "../../../testkit/src/eventually.js";
import { FaultyNetwork } from "./faulty-network.js";
import { loadMutant } from "./mutant.js";
import type { Packages } from "./resume-host.js";

/** A bound on the bytes that a client sends up to its RESUME. */
const MOST_BYTES = 400;
/** RESUME alone is longer. */
const STEP_BYTES = 25;
/** Longer than the server takes for a handshake. */
const ROUNDS = 10;

type ManagerPackages = Pick<Packages, "startClient" | "startServerManager">;

const inThreadPool = promisify(generateKeyPair);

/**
 * A connection is cut. The next one ends for the client behind `bytes` bytes, of which the rest is on its way, and a third one stands when
 * that arrives. Unlike a server, a manager makes the late handshake meanwhile. Returns whether the third connection is still there.
 */
async function staysUnderLateResume(packages: ManagerPackages, bytes: number): Promise<boolean> {
  const network = new FaultyNetwork();
  const options = { name: "late", transport: network.transport, resume: true };
  const manager = await packages.startServerManager(options);
  const client = await packages.startClient({ ...options, retryMs: 0 });
  onTestFinished(() => {
    client.destroy();
    manager.destroy();
  });
  await eventually(() => expect(manager.stats.connections).toBe(1));
  network.fail({ kind: "hold", direction: "toServer", bytes }, true);
  network.fail({ kind: "cut", direction: "toServer", bytes: 0 }, false);
  await eventually(() => expect([client.stats.resumes > 0, network.latest?.isWhole]).toEqual([true, true]));
  network.calm();
  const { latest } = network;
  const { resumes } = client.stats;
  network.release();
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < 4; turn++) await nextMacrotask();
    // Key agreements run in threads, which a turn of the event loop does not wait for.
    await inThreadPool("ec", { namedCurve: "P-384" });
  }
  const stays = network.latest === latest && latest?.isWhole === true && client.stats.resumes === resumes;
  client.destroy();
  manager.destroy();
  return stays;
}

/** The first place at which it is gone; undefined: it stays at all. */
async function placeWithoutIt(packages: ManagerPackages): Promise<number | undefined> {
  for (let bytes = STEP_BYTES; bytes <= MOST_BYTES; bytes += STEP_BYTES)
    if (!(await staysUnderLateResume(packages, bytes))) return bytes;
  return undefined;
}

describe("a RESUME that arrives when its client is back by a later one", () => {
  it("leaves the connection of the later one alone", async () => {
    expect(await placeWithoutIt({ startClient, startServerManager })).toBeUndefined();
  });

  it("is found to end that connection if the server does not look at the attempts", async () => {
    const mutant = await loadMutant({
      package: "session",
      code: "if (attempt <= session.attempt)",
      instead: "if (false)",
    });
    expect(await placeWithoutIt(mutant)).toBeDefined();
  });
});
