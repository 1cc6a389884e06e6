import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { AttackerPlan, AttackOrder, AttackOutcome } from "./attacker-orders.js";
import { GoodClient, visitPrey } from "./good-client.js";
import { type Role, TARGET, type VictimOrder, type VictimReport } from "./victim-orders.js";
import type { Wire } from "./wire.js";
import { Worker, type WorkerLimits } from "./worker.js";

/** How long the victim may take to come to what it must come to, in milliseconds. */
const PATIENCE_MS = 30_000;
const LOOK_EVERY_MS = 10;

/** Before the first look at its memory: code is compiled, and what is made once is made. */
const VISITS_BEFORE = 3;
const ECHOES_BEFORE = 20;

export interface ScenarioPlan {
  readonly role: Role;
  readonly wire: Wire;
  readonly reads: boolean;
}

/** A victim, an attacker and a good client, each in a process of its own. */
export class Scenario {
  readonly plan: ScenarioPlan;
  readonly directory: string;
  readonly victim: Worker<VictimOrder, VictimReport>;
  readonly attacker: Worker<AttackOrder, AttackOutcome>;
  readonly good: GoodClient;
  /** The victim at rest, before anything was done to it. */
  readonly before: VictimReport;

  private constructor(parts: Omit<Scenario, "visit" | "waitFor">) {
    this.plan = parts.plan;
    this.directory = parts.directory;
    this.victim = parts.victim;
    this.attacker = parts.attacker;
    this.good = parts.good;
    this.before = parts.before;
  }

  /** Makes one, lets `act` happen in it, and leaves nothing behind. */
  static async open<T>(plan: ScenarioPlan, act: (scenario: Scenario) => Promise<T>, limits?: WorkerLimits): Promise<T> {
    const directory = await mkdtemp(join(tmpdir(), "ipc-scenario-"));
    const side = plan.role === "client" ? "server" : "client";
    const attacks: AttackerPlan = { side, address: join(directory, `${TARGET}.sock`) };
    const workers: Worker<never, unknown>[] = [];
    try {
      const victim = await Worker.start<VictimOrder, VictimReport>("victim", { directory, ...plan }, limits);
      workers.push(victim);
      const attacker = await Worker.start<AttackOrder, AttackOutcome>("attacker", attacks);
      workers.push(attacker);
      const good = await GoodClient.connect(directory);
      await good.converse(Promise.resolve(), ECHOES_BEFORE);
      for (let visit = 0; visit < VISITS_BEFORE && side === "client"; visit++) await visitPrey(directory, plan.wire);
      const before = await victim.tell({ kind: "rest" });
      const result = await act(new Scenario({ plan, directory, victim, attacker, good, before }));
      await good.close();
      return result;
    } finally {
      for (const worker of workers) await worker.end();
      await rm(directory, { recursive: true });
    }
  }

  /** Comes to the one that is attacked as a client should. Resolves with how long it took to be let in, in milliseconds. */
  visit(): Promise<number> {
    return visitPrey(this.directory, this.plan.wire);
  }

  /** Asks the victim until it is so. */
  async waitFor(what: string, isSo: (report: VictimReport) => boolean | Promise<boolean>): Promise<VictimReport> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const report = await this.victim.tell({ kind: "report" });
      if (await isSo(report)) return report;
      if (performance.now() > giveUpAt)
        throw new Error(`${what}: not within ${PATIENCE_MS} ms: ${JSON.stringify(report)}`);
      await pause(LOOK_EVERY_MS);
    }
  }
}
