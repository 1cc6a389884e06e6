import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Child } from "../process/child.js";
import { Place } from "../process/place.js";
import type { Wire } from "../traffic/wire.js";
import type { AttackerCalls } from "./attacker.js";
import { connectBystander, converse, type Service, visitTarget } from "./good-client.js";
import { type Role, TARGET } from "./target.js";
import type { VictimCalls, VictimReport } from "./victim.js";

/** The victim must reach an expected state within so many milliseconds. */
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 10;

/** Before the first look at its memory: code is compiled, and what is made once is made. */
const VISITS_BEFORE = 3;
const ECHOES_BEFORE = 20;

export interface AttackPlan {
  readonly role: Role;
  readonly wire: Wire;
  /** Whether the victim needs a pre-shared key, which the good client has. */
  readonly keyed?: boolean;
  readonly reads: boolean;
  /** Files that the victim may have open. */
  readonly descriptors?: number;
}

/** A victim, an attacker and a good client, each in a process of its own. */
export interface Setup {
  readonly plan: AttackPlan;
  readonly directory: string;
  readonly victim: Child<VictimCalls>;
  readonly attacker: Child<AttackerCalls>;
  /** Exchanges messages with the bystander, as long as `until` takes and `further` messages after it. */
  readonly converse: (until: Promise<unknown>, further?: number) => Promise<Service>;
  /** The victim at rest, before anything was done to it. */
  readonly before: VictimReport;
  /**
   * Comes to the one that is attacked as a client should. Resolves with how long it took to be let in, in milliseconds; rejects
   * when the signal is aborted before.
   */
  readonly visit: (signal?: AbortSignal) => Promise<number>;
}

/** Makes a setup, lets `act` happen in it, and leaves nothing behind. */
export function withSetup<T>(plan: AttackPlan, act: (setup: Setup) => Promise<T>): Promise<T> {
  return Place.lend(async (place) => {
    const { directory } = place;
    const { role, wire, keyed = false, reads, descriptors } = plan;
    const side = role === "client" ? "server" : "client";
    const victim = await place.start<VictimCalls>("attack/victim", {
      args: [JSON.stringify({ directory, role, wire, keyed, reads })],
      flags: ["--expose-gc"],
      ...(descriptors !== undefined && { descriptors }),
    });
    const args = [side, join(directory, `${TARGET}.sock`)];
    const attacker = await place.start<AttackerCalls>("attack/attacker", { args });
    const good = await connectBystander(directory);
    await converse(good, Promise.resolve(), ECHOES_BEFORE);
    const visit = (signal?: AbortSignal): Promise<number> => visitTarget(directory, wire, keyed, signal);
    for (let count = 0; count < VISITS_BEFORE && side === "client"; count++) await visit();
    const before = await victim.call("rest");
    const result = await act({
      plan,
      directory,
      victim,
      attacker,
      before,
      visit,
      converse: converse.bind(undefined, good),
    });
    await good.close();
    await Promise.all([victim.kill(), attacker.kill()]);
    for (const file of readdirSync(directory)) rmSync(join(directory, file));
    return result;
  });
}

/** Asks the victim until it is so. */
export async function waitFor(
  { victim }: Setup,
  what: string,
  isSo: (report: VictimReport) => boolean | Promise<boolean>,
): Promise<VictimReport> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    const report = await victim.call("report");
    if (await isSo(report)) return report;
    if (performance.now() > giveUpAt)
      throw new Error(`${what}: not within ${PATIENCE_MS} ms: ${JSON.stringify(report)}`);
    await pause(LOOK_EVERY_MS);
  }
}
