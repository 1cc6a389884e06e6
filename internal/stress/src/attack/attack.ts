import type { Scenario } from "../scenario.js";
import { attacks } from "./attack-list.js";
import { describeFinding, type Finding, findingTable } from "./finding.js";

/** Attacks on servers, managers and clients that use up descriptors, memory or the event loop. */
export const attack: Scenario<"silent" | "seconds" | "peers" | "messages"> = {
  what: "attacks servers, managers and clients with what uses up descriptors, memory or the event loop",
  page: "ROBUSTNESS.md",
  options: { silent: 1_000, seconds: 5, peers: 100, messages: 1_000_000 },

  async run({ silent, seconds, peers, messages }) {
    const findings: Finding[] = [];
    for (const each of attacks({ silent, churnSeconds: seconds, peers, messages })) {
      const finding = await each();
      findings.push(finding);
      console.error(describeFinding(finding));
    }
    const missed = findings.filter((finding) => finding.missed.length + finding.exceeded.length > 0);
    const verdict = missed.length === 0 ? "every promise kept" : `${missed.length} MISSED`;
    const figures = `${findings.length} attacks, ${verdict}.\n\n${findingTable(findings)}`;
    return { figures, met: missed.length === 0 };
  },
};
