import { groupDigits, table } from "@ipc-internal/seeded";
import type { KillResult } from "./kill-run.js";
import type { StopResult } from "./stop-run.js";

/** Of a hundred clients of a server that was killed, 99 must be back within this many milliseconds of the next one's listening. */
const TARGET_MS = 500;

/** What all runs came to, in Markdown, and whether the target was met. */
export function describeKills(
  kills: readonly KillResult[],
  stops: readonly StopResult[],
): { figures: string; met: boolean } {
  const late = kills.filter(({ run, backMs }) => run.victim === "server" && quantile(backMs, 0.99) > TARGET_MS);
  const codes = new Map<string, number>();
  for (const { survivor } of kills) {
    for (const [name, count] of Object.entries(survivor.codes)) codes.set(name, (codes.get(name) ?? 0) + count);
  }
  const figures = [
    table(
      ["killed", "kills", "back after, ms: median", "99 of 100", "longest", "messages checked"],
      kills.map(({ run, backMs, survivor }) => [
        nameOf(run),
        run.kills,
        ...[0.5, 0.99, 1].map((share) => groupDigits(Math.round(quantile(backMs, share)))),
        survivor.heard,
      ]),
    ),
    `Target: of a server with one client, 99 of 100 are back within ${TARGET_MS} ms of its listening: ${late.length === 0 ? "met" : "MISSED"}.\n`,
    table(
      ["stopped, in turn", "stops", "queued for it at the most, bytes", "messages checked"],
      stops.map(({ run, maxQueuedBytes, client, server }) => [
        `server and client, ${wire(run.encryption)}`,
        run.stops,
        maxQueuedBytes,
        client.heard + server.heard,
      ]),
    ),
    table(
      ["seen by the side that stayed", "times"],
      [...codes].sort(([, one], [, other]) => other - one),
    ),
  ].join("\n");
  return { figures, met: late.length === 0 };
}

/** The smallest of the figures that so large a share of them does not exceed. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}

function nameOf({ victim, encryption, clients = 1 }: KillResult["run"]): string {
  const what = victim === "manager" ? `server of ${clients} clients` : victim;
  return `${what}, ${wire(encryption)}`;
}

function wire(encryption: boolean): string {
  return encryption ? "secure" : "plain";
}
