import type { Manner } from "./adapter.js";
import { costTable } from "./cost-table.js";
import { clientsText, short, sizeText, spread } from "./number-text.js";
import { PARTS, profileCells, profileHead } from "./profile.js";
import { Figures, type Place, type Results, type RunBefore } from "./results.js";
import type { Manner as CountManner } from "./system-calls.js";
import { table } from "./table.js";
import { isMet, targetsOf } from "./target.js";

const FLOOR = "bare loop";
const KIB = 1_024;

/** Marks a figure of processes that had not settled. */
export const UNSETTLED = "~";
const MEGABYTE = 1_000_000;

/** The section that was measured for each table; the others are of the run as a whole. */
export const MEASURED: Readonly<Record<string, string>> = {
  "round-trip": "exchange",
  tails: "tails",
  "one-way-awaited": "exchange",
  "one-way": "exchange",
  cost: "exchange",
  processor: "exchange",
  "fan-in": "fan-in",
  "fan-in-processes": "fan-in, 8 processes",
  crowd: "crowd",
  "stalled-reader": "stalled reader",
  "loop-delay": "loop delay",
  "ping-in-bulk": "ping in bulk",
  "full-queue": "full queue",
  allocations: "allocations",
  calls: "system calls",
  profile: "profile",
};

/** The tables of a run in Markdown, by the place of the document that they stand in; none of what was not measured. */
export function tablesOf(results: Results): Record<string, string> {
  const { samples } = results;
  const isMeasured = ([name]: [string, string]): boolean => {
    const section = MEASURED[name];
    if (name === "calls") return results.systemCalls !== undefined;
    if (name === "profile") return results.profiles !== undefined;
    return section === undefined || samples.some((sample) => sample.section === section);
  };
  return Object.fromEntries(Object.entries(allTables(results)).filter(isMeasured));
}

function allTables(results: Results): Record<string, string> {
  const figures = new Figures(results.samples);
  const rows = <T>(cells: (name: string) => T[]): [string, ...T[]][] =>
    results.contestants.map(({ name }) => [name, ...cells(name)]);
  /** A cell, or why there is none. */
  const cell = (
    [section, at, contestant, figure]: readonly [string, number, string, string],
    show: (value: number) => string = short,
  ): string => {
    const place = { section, at, contestant, figure };
    const shown = spread(figures.all(place), show) || (figures.why(place) ?? "–");
    return figures.isUnsettled(place) ? `${UNSETTLED} ${shown}` : shown;
  };
  const ratio = (place: Place, by: Place): string => {
    const value = figures.ratio(place, by);
    return value === undefined ? "" : short(value);
  };
  const ratioTo = (other: string, section: string, at: number, name: string, figure: string): string => {
    // The floor has one manner of sending.
    const same = other === FLOOR && figure === "awaited" ? "when it must" : figure;
    return ratio({ section, at, contestant: name, figure }, { section, at, contestant: other, figure: same });
  };
  const ratioToMedian = (at: number, contestant: string, figure: string): string =>
    ratio({ section: "tails", at, contestant, figure }, { section: "tails", at, contestant, figure: "p50Us" });
  const toFloor = (section: string, at: number, name: string, figure: string): string =>
    ratioTo(FLOOR, section, at, name, figure);
  const oneWay = (manner: Manner): string =>
    table(
      ["", ...figures.points("exchange").flatMap((size) => [`${sizeText(size)} ÷ floor`, throughputHead(size)])],
      rows((name) =>
        figures
          .points("exchange")
          .flatMap((size) => [
            toFloor("exchange", size, name, manner),
            cell(["exchange", size, name, manner], (rate) => throughput(rate, size)),
          ]),
      ),
    );
  const fanIn = (section: string): string =>
    table(
      ["", ...figures.points(section).flatMap((at) => [`${clientsText(at)}, messages/s`, "slowest ÷ fastest"])],
      rows((name) =>
        figures.points(section).flatMap((at) => ["perSecond", "fairness"].map((f) => cell([section, at, name, f]))),
      ),
    );
  const crowds = figures.points("crowd");
  const mib = (bytes: number): string => short(bytes / KIB / KIB);
  return {
    targets: targets(figures, results.before?.values),
    contestants: table(
      ["", "what ran"],
      [
        ...results.contestants.map(({ name, what }) => [name, what]),
        ...results.notRun.map(({ name, why }) => [name, `not run: ${why}`]),
      ],
    ),
    "round-trip": table(
      ["", ...figures.points("exchange").flatMap((size) => [`${sizeText(size)} ÷ floor`, "p50 µs", "p99 µs"])],
      rows((name) =>
        figures
          .points("exchange")
          .flatMap((size) => [
            toFloor("exchange", size, name, "p50Us"),
            cell(["exchange", size, name, "p50Us"]),
            cell(["exchange", size, name, "p99Us"]),
          ]),
      ),
    ),
    tails: table(
      [
        "",
        ...figures
          .points("tails")
          .flatMap((cores) => [
            `${busyText(cores)}: p50 µs`,
            ...["p99 µs", "p99.9 µs"].flatMap((quantile) => [quantile, "÷ p50", "÷ ws"]),
          ]),
      ],
      rows((name) =>
        figures
          .points("tails")
          .flatMap((cores) => [
            cell(["tails", cores, name, "p50Us"]),
            ...["p99Us", "p999Us"].flatMap((figure) => [
              cell(["tails", cores, name, figure]),
              ratioToMedian(cores, name, figure),
              ratioTo("ws", "tails", cores, name, figure),
            ]),
          ]),
      ),
    ),
    "one-way-awaited": oneWay("awaited"),
    "one-way": oneWay("when it must"),
    "fan-in": fanIn("fan-in"),
    "fan-in-processes": fanIn("fan-in, 8 processes"),
    crowd: table(
      ["", ...crowds.flatMap((at) => [`${clientsText(at)}, connects/s`, "heap KiB", "buffers KiB", "resident KiB"])],
      rows((name) =>
        crowds.flatMap((at) => [
          cell(["crowd", at, name, "connectsPerSecond"]),
          ...["heapBytes", "externalBytes", "rssBytes"].map((figure) =>
            cell(["crowd", at, name, figure], (bytes) => short(bytes / KIB)),
          ),
        ]),
      ),
    ),
    "stalled-reader": table(
      ["", "beside ÷ without", "without, echoes/s", "beside, echoes/s", "growth of the server, MiB"],
      rows((name) => [
        ...["ratio", "perSecondWithout", "perSecondBeside"].map((figure) => cell(["stalled reader", 50, name, figure])),
        cell(["stalled reader", 50, name, "rssGrowthBytes"], mib),
      ]),
    ),
    "loop-delay": table(
      ["", "messages", "writer, longest ms", "of its own work", "reader, longest ms", "of its own work"],
      rows((name) => [
        cell(["loop delay", 64, name, "messages"]),
        ...["writerMs", "writerBusyMs", "readerMs", "readerBusyMs"].map((figure) =>
          cell(["loop delay", 64, name, figure]),
        ),
      ]),
    ),
    "ping-in-bulk": table(
      ["", "p50 µs", "p99 µs", "bulk, MB/s"],
      rows((name) => [
        ...["p50Us", "p99Us"].map((figure) => cell(["ping in bulk", KIB, name, figure])),
        cell(["ping in bulk", KIB, name, "bulkPerSecond"], (rate) => short((rate * KIB * KIB) / MEGABYTE)),
      ]),
    ),
    "full-queue": table(
      ["", "told", "written before that, MiB", "growth of the writer, MiB"],
      rows((name) => [
        cell(["full queue", KIB, name, "isTold"], (told) => (told === 1 ? "IPC_QUEUE_FULL" : "never")),
        ...["writtenBytes", "rssGrowthBytes"].map((figure) => cell(["full queue", KIB, name, figure], mib)),
      ]),
    ),
    cost: costTable(results, figures),
    processor: table(
      ["", ...["each write awaited", "when it must"].flatMap((manner) => [`${manner}: sender, ns`, "receiver, ns"])],
      rows((name) =>
        ["awaited", "when it must"].flatMap((manner) =>
          ["sender", "receiver"].map((end) =>
            cell(["exchange", figures.points("exchange")[0] ?? 0, name, `${manner}, ${end} ns`]),
          ),
        ),
      ),
    ),
    calls: calls(results),
    profile: profiles(results),
    allocations: table(
      ["", "sender, awaited", "receiver", "sender, not awaited", "receiver"],
      rows((name) =>
        [0, 1].flatMap((at) =>
          ["senderHeapBytes", "receiverHeapBytes"].map((figure) => cell(["allocations", at, name, figure])),
        ),
      ),
    ),
    remarks: figures
      .remarks()
      .map((remark) => `- ${remark}`)
      .join("\n"),
  };
}

function targets(figures: Figures, before?: RunBefore["values"]): string {
  return table(
    ["", "target", "measured", "", ...(before === undefined ? [] : ["the run before", ""])],
    targetsOf(figures).map((target) => {
      const { what, limit, sense, unit } = target;
      const cells = (value: number | undefined): string[] => {
        const verdict = isMet({ ...target, value });
        const shown = value === undefined ? "–" : `${short(value)}${unit && ` ${unit}`}`;
        return [shown, verdict === undefined ? "not measured" : verdict ? "met" : "**missed**"];
      };
      const sign = sense === "at least" ? "≥" : "≤";
      const earlier = before === undefined ? [] : cells(before[what]);
      return [what, `${sign} ${limit}${unit && ` ${unit}`}`, ...cells(target.value), ...earlier];
    }),
  );
}

function calls({ systemCalls }: Results): string {
  if (systemCalls === undefined) return "";
  if ("missing" in systemCalls) return `Not counted: ${systemCalls.missing}`;
  return table(
    ["", "size", "manner", "writes", "reads", "others"],
    systemCalls.counts.map(({ contestant, size, manner, writes, reads, others }) => [
      contestant,
      sizeText(size),
      mannerText(manner),
      ...[writes, reads, others].map((count) => count.toFixed(count < 0.1 ? 4 : 2)),
    ]),
  );
}

function profiles({ profiles: all = [] }: Results): string {
  return table(
    ["", "work", ...profileHead(PARTS)],
    all.map((one) => [one.contestant, one.work, ...profileCells(one, PARTS)]),
  );
}

function mannerText(manner: CountManner): string {
  if (manner === "echo") return "one in flight, to and fro";
  return manner === "awaited" ? "each write awaited" : "burst";
}

function busyText(cores: number): string {
  if (cores === 0) return "quiet";
  return cores === 1 ? "one busy core" : `${cores} busy cores`;
}

function throughputHead(size: number): string {
  return size > KIB ? `MB/s` : "messages/s";
}

function throughput(rate: number, size: number): string {
  return short(size > KIB ? (rate * size) / MEGABYTE : rate);
}
