import type { Service } from "./good-client.js";
import type { Scenario } from "./scenario.js";
import type { Role, VictimReport } from "./victim-orders.js";
import type { Wire } from "./wire.js";

/** What an attack came to. */
export interface Finding {
  readonly attack: string;
  readonly role: Role;
  readonly wire: Wire;
  readonly reads: boolean;
  /** How much more memory was resident at the highest than at rest, in bytes. */
  readonly growth: number;
  readonly during: VictimReport;
  /** The service that a good client got from the same process meanwhile. */
  readonly service: Service;
  /** How long it took to be let in by the one that was attacked, in milliseconds: meanwhile, where there was room, and after. */
  readonly admittedMs: number | undefined;
  readonly recoveredMs: number | undefined;
  /** What must hold and did not. */
  readonly missed: readonly string[];
  /** What was measured as too much, time or memory: a matter of the machine, too. */
  readonly exceeded: readonly string[];
}

/** What an attack tells of itself. */
export interface Told {
  readonly attack: string;
  readonly during: VictimReport;
  readonly service: Service;
  readonly admittedMs?: number;
  readonly recoveredMs?: number;
  /** What must hold on every machine, and what is measured. */
  readonly holds: Readonly<Record<string, boolean>>;
  readonly measured?: Readonly<Record<string, boolean>>;
}

export function findingOf({ plan, before }: Scenario, told: Told): Finding {
  const { attack, during, service, admittedMs, recoveredMs, holds, measured = {} } = told;
  return {
    attack,
    ...plan,
    growth: during.peakRss - before.rss,
    during,
    service,
    admittedMs,
    recoveredMs,
    missed: falseOf(holds),
    exceeded: falseOf(measured),
  };
}

function falseOf(claims: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(claims).flatMap(([what, isSo]) => (isSo ? [] : [what]));
}
