import { measureApart } from "../process/measurement.js";
import { groupDigits, kib, table } from "../report/figure.js";
import type { Scenario } from "../scenario.js";
import { defaultWire } from "../traffic/wire.js";
import type { ManyClients, ManyClientsReport } from "./many-clients-server.js";

const TARGET_KIB = 24;
const PROCESSES = 4;

/** How many, encrypted or not, and which reader. */
const RUNS = [
  [200, false, "listener"],
  [200, true, "listener"],
  [1_000, false, "listener"],
  [1_000, true, "listener"],
  [1_000, true, "loops"],
  [10_000, false, "listener"],
  [10_000, true, "listener"],
] as const;

/** The cost of a connection for the server's process, by the number of connections. */
export const manyClients: Scenario<"clients"> = {
  what: "measures the cost of a connection for a server of 200, 1 000 and 10 000 clients, up to so many",
  page: "SCALE.md",
  options: { clients: 10_000 },

  async run({ clients: most }) {
    const reports: ManyClientsReport[] = [];
    const limited: string[] = [];
    for (const [clients, encryption, reader] of RUNS) {
      if (clients > most) continue;
      const order = { clients, encryption, processes: PROCESSES, reader };
      const report = await runManyClients(order);
      reports.push(report);
      if (report.clients < clients) limited.push(limitOf(report));
    }
    const met = reports.every((report) => heapOf(report) <= TARGET_KIB * 1_024 && report.echoes === 3 * report.clients);
    const lines = [
      `The clients live in ${PROCESSES} other processes on the same machine, each of which starts ${reports[0]?.atOnce} of its clients at the same`,
      "moment and the next as these are connected. All figures are of the server's process, after a garbage collection, minus",
      "its figures before the first of these clients, divided by their number.",
      "",
      table(
        [
          "clients, wire, read by",
          "connects/s",
          "loop p50 / p99 / max",
          "dropped",
          "echoes",
          "heap",
          "– after echoes",
          "buffers",
          "resident",
        ],
        reports.map(rowOf),
      ),
      "Sizes in KiB for each connection. Heap: when all stood idle, and again after each had sent three messages that came back;",
      "buffers, outside the heap, and resident memory of the process: after the echoes. Dropped: failed handshakes, which the",
      "clients repeated. Loop: how long the server's event loop took between two looks of a timer of 1 ms, in milliseconds, while",
      "they connected.",
      "",
      `Target: ${TARGET_KIB} KiB of heap for an idle connection or less: ${met ? "met" : "MISSED"}.`,
      ...limited,
    ];
    return { figures: lines.join("\n"), met };
  },
};

export function runManyClients(order: ManyClients): Promise<ManyClientsReport> {
  return measureApart("scale/many-clients-server", order, ["--expose-gc"]);
}

function rowOf(report: ManyClientsReport): (string | number)[] {
  const { clients, encryption, reader, connectSeconds, loopMs, refused, echoes, before, connected, echoed } = report;
  const each = (after: number, first: number): string => kib((after - first) / clients);
  return [
    `${groupDigits(clients)} ${defaultWire(encryption)}, ${reader === "loops" ? "a loop each" : "one listener"}`,
    ...[clients / connectSeconds, [loopMs.p50, loopMs.p99, loopMs.max].map((ms) => ms.toFixed(1)).join(" / ")],
    ...[refused, `${groupDigits(echoes)} of ${groupDigits(3 * clients)}`],
    ...[each(connected.heapUsed, before.heapUsed), each(echoed.heapUsed, before.heapUsed)],
    ...[each(echoed.external, before.external), each(echoed.rss, before.rss)],
  ];
}

function heapOf({ clients, before, connected, echoed }: ManyClientsReport): number {
  return (Math.max(connected.heapUsed, echoed.heapUsed) - before.heapUsed) / clients;
}

function limitOf({ clients, descriptorLimit }: ManyClientsReport): string {
  return `\nThe limit of ${groupDigits(descriptorLimit)} open files (\`ulimit -Hn\`) allowed ${groupDigits(clients)} clients.`;
}
