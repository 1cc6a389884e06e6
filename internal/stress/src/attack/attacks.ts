import { setTimeout as pause } from "node:timers/promises";
import { startServer } from "@ipc/server";
import type { Announcement, AttackOrder } from "./attacker-orders.js";
import { type Finding, findingOf } from "./finding.js";
import type { Packing } from "./message-flood.js";
import type { Scenario } from "./scenario.js";
import { TARGET, type VictimReport } from "./victim-orders.js";
import { optionsOf } from "./wire.js";

const MIB = 1_048_576;
const GROWTH_MAX_BYTES = 16 * MIB;
const SERVED_WITHIN_MS = 100;

/** What one connection may have unread, and one message more: its data, and 160 bytes. */
const UNREAD_MAX_BYTES = MIB + 160 + 1;

/** Echoes through which a victim is watched under an attack that has no end of its own. */
const WATCH_ECHOES = 50;

/** Under an attack that goes on for long: the one in the middle counts, whatever else the machine does. */
const VISITS = 5;

const REPORT = { kind: "report" } as const;

/** Clients that say nothing, and a good one among them. */
export async function silence(scenario: Scenario, connections: number): Promise<Finding> {
  await scenario.attacker.tell({ kind: "silence", connections });
  const { before } = scenario;
  await scenario.waitFor("all have been taken in, or dropped", (report) => {
    const { descriptors = 0 } = report;
    return descriptors - (before.descriptors ?? 0) + endsOf(report) >= connections;
  });
  let admittedMs = Number.POSITIVE_INFINITY;
  const visit = scenario.visit().then((ms) => {
    admittedMs = ms;
  });
  const service = await scenario.good.converse(visit);
  await scenario.waitFor("the silent ones are cut", async () => {
    const { ended } = await scenario.attacker.tell({ kind: "silence", connections: 0 });
    return ended >= connections;
  });
  const during = await scenario.victim.tell(REPORT);
  const recoveredMs = await scenario.visit();
  return findingOf(scenario, {
    attack: `${connections} silent connections`,
    during,
    service,
    admittedMs,
    recoveredMs,
    holds: { "every silent one was cut or dropped": endsOf(during) >= connections },
    measured: {
      "a good client is let in within 100 ms": admittedMs <= SERVED_WITHIN_MS,
      "the others of its process are served within 100 ms": service.longestMs <= SERVED_WITHIN_MS,
    },
  });
}

/** A server that accepts and says nothing, twice in a row: the client gives the first one up. */
export async function silentServer(scenario: Scenario): Promise<Finding> {
  const service = await scenario.good.converse(scenario.attacker.tell({ kind: "silence", connections: 2 }));
  const during = await scenario.victim.tell(REPORT);
  return findingOf(scenario, {
    attack: "a server that is silent",
    during,
    service,
    holds: { "it dials again": during.status !== "Error" },
  });
}

/** Clients that connect and are gone. */
export async function churn(scenario: Scenario, perSecond: number, seconds: number): Promise<Finding> {
  // What is compiled for it is no connection's.
  await scenario.attacker.tell({ kind: "churn", perSecond, seconds: 1 });
  const warm = await scenario.victim.tell({ kind: "rest" });
  const over = scenario.attacker.tell({ kind: "churn", perSecond, seconds });
  const visits: number[] = [];
  const visit = async (): Promise<void> => {
    for (let count = 0; count < VISITS; count++) {
      await pause((seconds * 1_000) / (VISITS + 1));
      visits.push(await scenario.visit());
    }
  };
  const service = await scenario.good.converse(Promise.all([over, visit()]));
  const admittedMs = visits.sort((x, y) => x - y)[VISITS >> 1] ?? Number.POSITIVE_INFINITY;
  const during = await scenario.waitFor(
    "descriptors are given back",
    ({ descriptors }) => descriptors === scenario.before.descriptors,
  );
  const { heapUsed } = await scenario.victim.tell({ kind: "rest" });
  return findingOf(scenario, {
    attack: `${perSecond} connect and close a second, ${seconds} s`,
    during,
    service,
    admittedMs,
    recoveredMs: await scenario.visit(),
    holds: {},
    measured: { "the heap is as before": heapUsed - warm.heapUsed < MIB },
  });
}

/** Peers that announce more than they send. */
export async function announcement(scenario: Scenario, what: Announcement, peers: number): Promise<Finding> {
  const { wire, role } = scenario.plan;
  const holds = what === "3 MiB frame";
  // Before a connection stands, a client does not tell how it did not.
  const isTold = !holds && what !== "4 GiB limits";
  const order: AttackOrder = { kind: "announce", wire, peers, what, holds };
  const service = await scenario.good.converse(scenario.attacker.tell(order));
  const during = await scenario.victim.tell(REPORT);
  await scenario.attacker.tell({ kind: "stop" });
  return findingOf(scenario, {
    attack: `${peers} peers announce ${what === "4 GiB limits" ? what : `a ${what}`}`,
    during,
    service,
    ...(role !== "client" && { recoveredMs: await scenario.visit() }),
    holds: {
      "each that is too long ends its connection": endsOf(during) === (isTold ? peers : 0),
      // Coarse, so that it holds on any machine: what a single peer announces is more than that.
      ...(what.startsWith("4 GiB") && {
        "memory grows by less than 1 GiB": during.peakRss - scenario.before.rss < 1_024 * MIB,
      }),
    },
    measured: { "memory grows by less than 16 MiB": during.peakRss - scenario.before.rss < GROWTH_MAX_BYTES },
  });
}

/** Small messages as fast as they are taken. */
export async function flood(scenario: Scenario, messages: number, bytes: number, packing: Packing): Promise<Finding> {
  const { wire, role, reads } = scenario.plan;
  const order: AttackOrder = { kind: "flood", wire, messages, bytes, packing, unawaited: !reads };
  const started = scenario.attacker.tell(order);
  const over = reads
    ? started.then(() => scenario.waitFor("all is read", (report) => report.messages >= messages))
    : started.then(() => scenario.waitFor("its budget is full", ({ unreadBytes }) => unreadBytes >= MIB));
  const service = await scenario.good.converse(over, reads ? 0 : WATCH_ECHOES);
  const during = await scenario.victim.tell(REPORT);
  await scenario.attacker.tell({ kind: "stop" });
  return findingOf(scenario, {
    attack: `${messages} messages of ${bytes} bytes, ${packing}`,
    during,
    service,
    ...(role === "manager" && { recoveredMs: await scenario.visit() }),
    holds: {
      "what is unread is within its budget": during.unreadBytes <= UNREAD_MAX_BYTES,
      "nothing is lost": Object.keys(during.ends).every((code) => code === "IPC_SERVER_BUSY"),
    },
  });
}

/** Connections until there are no descriptors any more. */
export async function crowd(scenario: Scenario, connections: number): Promise<Finding> {
  await scenario.attacker.tell({ kind: "silence", connections });
  const exhausted = scenario.waitFor("descriptors ran out", ({ descriptors }) => descriptors === undefined);
  const service = await scenario.good.converse(exhausted, WATCH_ECHOES);
  const during = await scenario.victim.tell(REPORT);
  await scenario.attacker.tell({ kind: "stop" });
  const recoveredMs = await scenario.visit();
  await scenario.waitFor(
    "descriptors are given back",
    ({ descriptors }) => descriptors === scenario.before.descriptors,
  );
  return findingOf(scenario, {
    attack: `${connections} connections, 64 descriptors`,
    during,
    service,
    recoveredMs,
    holds: {},
  });
}

/** No descriptor is left when a client comes; then they come back. */
export async function hoard(scenario: Scenario): Promise<Finding> {
  await scenario.victim.tell({ kind: "hoard" });
  const visit = scenario.visit();
  const service = await scenario.good.converse(Promise.resolve(), WATCH_ECHOES);
  const during = await scenario.victim.tell(REPORT);
  await scenario.victim.tell({ kind: "release" });
  const from = performance.now();
  await visit;
  const recoveredMs = performance.now() - from;
  const holds = { "descriptors ran out": during.descriptors === undefined };
  return findingOf(scenario, { attack: "none of 64 descriptors left", during, service, recoveredMs, holds });
}

/** No descriptor is left when a client must dial again; then they come back. */
export async function hoardOfClient(scenario: Scenario): Promise<Finding> {
  const { directory, plan } = scenario;
  await using server = await startServer({ name: TARGET, directory, ...optionsOf(plan.wire) });
  await server.read();
  await scenario.victim.tell({ kind: "hoard" });
  const { hoarded } = await scenario.victim.tell(REPORT);
  await server.close();
  // Also the one that the client had: a dial that fails gives it back, and may take it again before the hoard does.
  await scenario.waitFor(
    "it has none to dial with",
    (report) => report.status === "Reconnecting" && report.hoarded > hoarded,
  );
  await using next = await startServer({ name: TARGET, directory, ...optionsOf(plan.wire) });
  const service = await scenario.good.converse(Promise.resolve(), WATCH_ECHOES);
  const during = await scenario.victim.tell(REPORT);
  await scenario.victim.tell({ kind: "release" });
  const from = performance.now();
  await next.read();
  return findingOf(scenario, {
    attack: "none of 64 descriptors left",
    during,
    service,
    recoveredMs: performance.now() - from,
    holds: { "descriptors ran out": during.descriptors === undefined, "it dials on": during.status === "Reconnecting" },
  });
}

function endsOf({ ends }: VictimReport): number {
  return Object.values(ends).reduce((sum, times) => sum + times, 0);
}
