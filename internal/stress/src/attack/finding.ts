import { groupDigits, mib, table } from "../report/figure.js";
import type { Service } from "./good-client.js";
import type { AttackPlan, Setup } from "./setup.js";
import type { VictimReport } from "./victim.js";

const HEAD = [
  "attack",
  "victim",
  "RSS grows, MiB",
  "unread, bytes",
  "loop late, 99 %, ms",
  "at most, ms",
  "echo beside it, median, ms",
  "longest, ms",
  "let in meanwhile, ms",
  "afterwards, ms",
  "ended with",
];

/** The measurements of an attack. */
export interface Measured {
  readonly attack: string;
  readonly during: VictimReport;
  /** The service that a good client got from the same process meanwhile. */
  readonly service: Service;
  /** How long it took to be let in by the one that was attacked, in milliseconds: meanwhile, where there was room, and after. */
  readonly admittedMs?: number;
  readonly recoveredMs?: number;
  /** Claims that must hold on every machine, and claims on time or memory, which depend on the machine, too. */
  readonly holds: Readonly<Record<string, boolean>>;
  readonly measured?: Readonly<Record<string, boolean>>;
}

/** The result of an attack. */
export interface Finding extends Measured {
  readonly plan: AttackPlan;
  /** How much more memory was resident at the highest than at rest, in bytes. */
  readonly growth: number;
  /** Claims that must hold and did not. */
  readonly missed: readonly string[];
  /** Claims on time or memory that did not hold. */
  readonly exceeded: readonly string[];
}

export function findingOf({ plan, before }: Setup, measured: Measured): Finding {
  return {
    ...measured,
    plan,
    growth: measured.during.peakRss - before.rss,
    missed: falseOf(measured.holds),
    exceeded: falseOf(measured.measured ?? {}),
  };
}

function falseOf(claims: Readonly<Record<string, boolean>>): string[] {
  return Object.entries(claims).flatMap(([what, isSo]) => (isSo ? [] : [what]));
}

/** Writes findings as a table in Markdown. */
export function findingTable(findings: readonly Finding[]): string {
  return table(HEAD, findings.map(rowOf));
}

/** Writes one in a line. */
export function describeFinding(finding: Finding): string {
  const missed = [...finding.missed, ...finding.exceeded];
  const verdict = missed.length === 0 ? "kept" : `MISSED: ${missed.join("; ")}`;
  return `${rowOf(finding).join(" | ")}: ${verdict}`;
}

function rowOf({ attack, plan, growth, during, service, admittedMs, recoveredMs }: Finding): string[] {
  const { role, wire, reads } = plan;
  return [
    attack,
    `${wire} ${role}${reads ? "" : ", never reads"}`,
    mib(growth),
    groupDigits(during.unreadBytes),
    ms(during.delayMs.p99),
    ms(during.delayMs.max),
    ms(service.medianMs),
    ms(service.longestMs),
    ms(admittedMs),
    ms(recoveredMs),
    Object.entries(during.ends)
      .map(([code, times]) => `${times} × ${code}`)
      .join(", "),
  ];
}

function ms(figure: number | undefined): string {
  return figure === undefined ? "" : figure.toFixed(1);
}
