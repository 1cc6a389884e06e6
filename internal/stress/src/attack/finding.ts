import { groupDigits, mib, table } from "../report/figure.js";
import type { Wire } from "../traffic/wire.js";
import type { Service } from "./good-client.js";
import type { Setup } from "./setup.js";
import type { Role } from "./target.js";
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

/** The result of an attack. */
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

export function findingOf({ plan, before }: Setup, told: Told): Finding {
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

function rowOf({ attack, role, wire, reads, growth, during, service, admittedMs, recoveredMs }: Finding): string[] {
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
