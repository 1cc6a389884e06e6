import { groupDigits, table } from "@ipc-internal/seeded";
import type { Finding } from "./finding.js";

const MIB = 1_048_576;

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
    (growth / MIB).toFixed(1),
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
