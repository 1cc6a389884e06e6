import type { ManyClientsReport } from "./many-clients.js";
import { runProgram } from "./run-program.js";
import { grouped, kib, type Section, table, wire } from "./scale-document.js";

const TARGET_KIB = 24;

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

/** What a connection costs the server's process, by the number of connections. */
export async function manyClientsSection(): Promise<Section> {
  const reports: ManyClientsReport[] = [];
  for (const [clients, encryption, reader] of RUNS) {
    reports.push(await runProgram<ManyClientsReport>("many-clients", clients, encryption, 4, reader));
  }
  const met = reports.every((report) => heapOf(report) <= TARGET_KIB * 1_024 && report.echoes === 3 * report.clients);
  const { processes, atOnce } = reports[0] as ManyClientsReport;
  return {
    met,
    lines: [
      `The clients live in ${processes} other processes on the same machine, each of which starts ${atOnce} of its clients at the same`,
      "moment and the next as these are connected. All figures are of the server's process, after a garbage collection, less",
      "what it held before the first of these clients, divided by their number.",
      "",
      ...table(
        [
          "clients",
          "wire",
          "read by",
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
      "",
      "Sizes in KiB for each connection. Heap: when all stood idle, and again after each had sent three messages that came back;",
      "buffers, outside the heap, and resident memory of the process: after the echoes. Dropped: handshakes that did not come",
      "about, for the clients tried again. Loop: how long the server's event loop took between two looks of a timer of 1 ms, in",
      "milliseconds, while they connected.",
      "",
      `Target: ${TARGET_KIB} KiB of heap for an idle connection or less: ${met ? "met" : "MISSED"}.`,
      ...reports.filter(({ clients }, index) => clients < (RUNS[index]?.[0] ?? 0)).map(limited),
    ],
  };
}

function rowOf(report: ManyClientsReport): string[] {
  const { clients, encryption, reader, connectSeconds, loopMs, refused, echoes, before, connected, echoed } = report;
  const each = (after: number, first: number): string => kib((after - first) / clients);
  return [
    ...[grouped(clients), wire(encryption), reader === "loops" ? "a loop each" : "one listener"],
    ...[grouped(clients / connectSeconds), [loopMs.p50, loopMs.p99, loopMs.max].map((ms) => ms.toFixed(1)).join(" / ")],
    ...[grouped(refused), `${grouped(echoes)} of ${grouped(3 * clients)}`],
    ...[each(connected.heapUsed, before.heapUsed), each(echoed.heapUsed, before.heapUsed)],
    ...[each(echoed.external, before.external), each(echoed.rss, before.rss)],
  ];
}

function heapOf({ clients, before, connected, echoed }: ManyClientsReport): number {
  return (Math.max(connected.heapUsed, echoed.heapUsed) - before.heapUsed) / clients;
}

function limited({ clients, descriptorLimit }: ManyClientsReport): string {
  return `\nMore than ${grouped(clients)} clients were stopped by the limit of ${grouped(descriptorLimit)} open files (\`ulimit -Hn\`).`;
}
