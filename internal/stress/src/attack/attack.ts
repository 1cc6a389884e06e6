// Attacks servers, managers and clients with what uses something up, each in a process of its own, and exits 1 when one of
// them does not keep what is promised. usage: exhaustion.js [--record]
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { recordFigures } from "@ipc-internal/seeded";
import { attacks } from "./exhaustion-run.js";
import type { Finding } from "./finding.js";
import { describeFinding, findingTable } from "./finding-table.js";

const { values } = parseArgs({ options: { record: { type: "boolean" } } });
const findings: Finding[] = [];
const started = performance.now();
const load = (loadavg()[0] ?? 0).toFixed(1);
for (const attack of attacks({ silent: 1_000, churnSeconds: 5, peers: 100, messages: 1_000_000 })) {
  const finding = await attack();
  findings.push(finding);
  console.error(describeFinding(finding));
}
const seconds = Math.round((performance.now() - started) / 1_000);
const missed = findings.filter((finding) => finding.missed.length + finding.exceeded.length > 0);
const verdict = missed.length === 0 ? "every promise kept" : `${missed.length} MISSED`;
const figures = `${findings.length} attacks in ${seconds} s, load average ${load} before, ${verdict}.\n\n${findingTable(findings)}`;
console.log(figures);
if (values.record === true) recordFigures("exhaustion", figures);
process.exitCode = missed.length === 0 ? 0 : 1;
