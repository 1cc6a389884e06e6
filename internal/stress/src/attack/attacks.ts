import { setTimeout as pause } from "node:timers/promises";
import { startServer } from "@ipc/server";
import { quantile, sum } from "../report/figure.js";
import { wireOptions } from "../traffic/wire.js";
import type { Announcement } from "./attacker.js";
import { type Finding, findingOf } from "./finding.js";
import type { Packing } from "./message-flood.js";
import { type Setup, waitFor } from "./setup.js";
import { TARGET } from "./target.js";
import type { VictimReport } from "./victim.js";

const MIB = 1_048_576;
const GROWTH_MAX_BYTES = 16 * MIB;
const SERVED_WITHIN_MS = 100;

/** One connection may have so much unread: its budget, and one message more, which is its data and 160 bytes. */
const UNREAD_MAX_BYTES = MIB + 160 + 1;

/** Echoes through which a victim is watched under an attack that has no end of its own. */
const WATCH_ECHOES = 50;

/** Under an attack that goes on for long: the median counts, so that other load of the machine has less effect. */
const VISITS = 5;

/** Clients that say nothing, and a good one among them. */
export async function silence(setup: Setup, connections: number): Promise<Finding> {
  await setup.attacker.call("silence", connections);
  const { before } = setup;
  await waitFor(setup, "all have been taken in, or dropped", (report) => {
    const { descriptors = 0 } = report;
    return descriptors - (before.descriptors ?? 0) + endsOf(report) >= connections;
  });
  let admittedMs = Number.POSITIVE_INFINITY;
  const visit = setup.visit().then((ms) => {
    admittedMs = ms;
  });
  const service = await setup.converse(visit);
  await waitFor(setup, "the silent ones are cut", async () => {
    const { ended } = await setup.attacker.call("silence", 0);
    return ended >= connections;
  });
  const during = await setup.victim.call("report");
  const recoveredMs = await setup.visit();
  return findingOf(setup, {
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
export async function silentServer(setup: Setup): Promise<Finding> {
  const service = await setup.converse(setup.attacker.call("silence", 2));
  const during = await setup.victim.call("report");
  return findingOf(setup, {
    attack: "a server that is silent",
    during,
    service,
    holds: { "it dials again": during.status !== "Error" },
  });
}

/** Clients that connect and are gone. */
export async function churn(setup: Setup, perSecond: number, seconds: number): Promise<Finding> {
  // Code that is compiled for it must not count for a connection.
  await setup.attacker.call("churn", { perSecond, seconds: 1 });
  const warm = await setup.victim.call("rest");
  const over = setup.attacker.call("churn", { perSecond, seconds });
  const visits: number[] = [];
  const visit = async (): Promise<void> => {
    for (let count = 0; count < VISITS; count++) {
      await pause((seconds * 1_000) / (VISITS + 1));
      visits.push(await setup.visit());
    }
  };
  const service = await setup.converse(Promise.all([over, visit()]));
  const admittedMs = quantile(visits, 0.5);
  const during = await waitFor(
    setup,
    "descriptors are given back",
    ({ descriptors }) => descriptors === setup.before.descriptors,
  );
  const { heapUsed } = await setup.victim.call("rest");
  return findingOf(setup, {
    attack: `${perSecond} connect and close a second, ${seconds} s`,
    during,
    service,
    admittedMs,
    recoveredMs: await setup.visit(),
    holds: {},
    measured: { "the heap is as before": heapUsed - warm.heapUsed < MIB },
  });
}

/** Peers that announce more than they send. */
export async function announcement(setup: Setup, what: Announcement, peers: number): Promise<Finding> {
  const { wire, role } = setup.plan;
  const holds = what === "3 MiB frame";
  // Before a connection stands, a client does not tell how it did not.
  const isTold = !holds && what !== "4 GiB limits";
  const service = await setup.converse(setup.attacker.call("announce", { wire, peers, what, holds }));
  const during = await setup.victim.call("report");
  await setup.attacker.call("stop");
  return findingOf(setup, {
    attack: `${peers} peers announce ${what === "4 GiB limits" ? what : `a ${what}`}`,
    during,
    service,
    ...(role !== "client" && { recoveredMs: await setup.visit() }),
    holds: {
      "each that is too long ends its connection": endsOf(during) === (isTold ? peers : 0),
      // Coarse, so that it holds on any machine: what a single peer announces is more than that.
      ...(what.startsWith("4 GiB") && {
        "memory grows by less than 1 GiB": during.peakRss - setup.before.rss < 1_024 * MIB,
      }),
    },
    measured: { "memory grows by less than 16 MiB": during.peakRss - setup.before.rss < GROWTH_MAX_BYTES },
  });
}

/** Small messages as fast as they are taken. */
export async function flood(setup: Setup, messages: number, bytes: number, packing: Packing): Promise<Finding> {
  const { wire, role, reads } = setup.plan;
  const started = setup.attacker.call("flood", { wire, messages, bytes, packing, unawaited: !reads });
  const over = reads
    ? started.then(() => waitFor(setup, "all is read", (report) => report.messages >= messages))
    : started.then(() => waitFor(setup, "its budget is full", ({ unreadBytes }) => unreadBytes >= MIB));
  const service = await setup.converse(over, reads ? 0 : WATCH_ECHOES);
  const during = await setup.victim.call("report");
  await setup.attacker.call("stop");
  return findingOf(setup, {
    attack: `${messages} messages of ${bytes} bytes, ${packing}`,
    during,
    service,
    ...(role === "manager" && { recoveredMs: await setup.visit() }),
    holds: {
      "what is unread is within its budget": during.unreadBytes <= UNREAD_MAX_BYTES,
      "nothing is lost": Object.keys(during.ends).every((code) => code === "IPC_SERVER_BUSY"),
    },
  });
}

/** Connections until there are no descriptors any more. */
export async function crowd(setup: Setup, connections: number): Promise<Finding> {
  await setup.attacker.call("silence", connections);
  const exhausted = waitFor(setup, "descriptors ran out", ({ descriptors }) => descriptors === undefined);
  const service = await setup.converse(exhausted, WATCH_ECHOES);
  const during = await setup.victim.call("report");
  await setup.attacker.call("stop");
  const recoveredMs = await setup.visit();
  await waitFor(setup, "descriptors are given back", ({ descriptors }) => descriptors === setup.before.descriptors);
  return findingOf(setup, {
    attack: `${connections} connections, 96 descriptors`,
    during,
    service,
    recoveredMs,
    holds: {},
  });
}

/** No descriptor is left when a client comes; then they come back. */
export async function hoard(setup: Setup): Promise<Finding> {
  await setup.victim.call("hoard");
  const visit = setup.visit();
  const service = await setup.converse(Promise.resolve(), WATCH_ECHOES);
  const during = await setup.victim.call("report");
  await setup.victim.call("release");
  const from = performance.now();
  await visit;
  const recoveredMs = performance.now() - from;
  const holds = { "descriptors ran out": during.descriptors === undefined };
  return findingOf(setup, { attack: "none of 96 descriptors left", during, service, recoveredMs, holds });
}

/** No descriptor is left when a client must dial again; then they come back. */
export async function hoardOfClient(setup: Setup): Promise<Finding> {
  const { directory, plan } = setup;
  await using server = await startServer({ name: TARGET, directory, ...wireOptions(plan.wire) });
  await server.read();
  await setup.victim.call("hoard");
  const { hoarded } = await setup.victim.call("report");
  await server.close();
  // Also the one that the client had: a dial that fails gives it back, and may take it again before the hoard does.
  await waitFor(
    setup,
    "it has none to dial with",
    (report) => report.status === "Reconnecting" && report.hoarded > hoarded,
  );
  await using next = await startServer({ name: TARGET, directory, ...wireOptions(plan.wire) });
  const service = await setup.converse(Promise.resolve(), WATCH_ECHOES);
  const during = await setup.victim.call("report");
  await setup.victim.call("release");
  const from = performance.now();
  await next.read();
  return findingOf(setup, {
    attack: "none of 96 descriptors left",
    during,
    service,
    recoveredMs: performance.now() - from,
    holds: { "descriptors ran out": during.descriptors === undefined, "it dials on": during.status === "Reconnecting" },
  });
}

function endsOf({ ends }: VictimReport): number {
  return sum(Object.values(ends));
}
