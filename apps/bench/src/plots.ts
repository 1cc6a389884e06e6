import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { QUANTILES } from "./order.js";
import { Figures, type Results } from "./results.js";

const WIDTH = 620;
const HEIGHT = 340;
const KIB = 1_024;
const MEGABYTE = 1_000_000;
const OURS = ["plain", "plain, polling", "compatible", "secure", "secure, polling"];

type Row = Readonly<Record<string, string | number>>;

/** The plots of a run as SVG, by the name of their file. */
export async function plotsOf(results: Results): Promise<Record<string, string>> {
  const figures = new Figures(results.samples);
  const names = results.contestants.map(({ name }) => name);
  const best = (contestant: string, at: number): number | undefined => {
    const rates = ["when it must", "awaited"].flatMap(
      (figure) => figures.median({ section: "exchange", at, contestant, figure }) ?? [],
    );
    return rates.length === 0 ? undefined : Math.max(...rates);
  };
  const rows = (points: readonly number[], figureOf: (contestant: string, at: number) => number | undefined): Row[] =>
    names.flatMap((contestant) =>
      points.flatMap((at) => {
        const value = figureOf(contestant, at);
        return value === undefined ? [] : [{ contestant, at, value }];
      }),
    );
  const [sizes, crowds] = [figures.points("exchange"), figures.points("fan-in")];
  const throughput = rows(sizes, (contestant, at) => {
    const rate = best(contestant, at);
    return rate && (rate * at) / MEGABYTE;
  });
  const latency = names.flatMap((contestant) => {
    const place = { section: "exchange", at: 64, contestant };
    return figures.quantilesUs(place).map((value, index) => ({ contestant, at: (QUANTILES[index] ?? 0) * 100, value }));
  });
  const fanIn = rows(crowds, (contestant, at) =>
    figures.median({ section: "fan-in", at, contestant, figure: "perSecond" }),
  );
  const memory = ["heapBytes", "externalBytes", "rssBytes"].flatMap((figure) =>
    rows(figures.points("crowd").slice(0, 1), (contestant, at) => {
      const bytes = figures.median({ section: "crowd", at, contestant, figure });
      return bytes && bytes / KIB;
    }).map((row) => ({
      ...row,
      part: figure === "heapBytes" ? "heap" : figure === "rssBytes" ? "resident" : "buffers",
    })),
  );
  return {
    "throughput.svg": await draw(
      names,
      lines(throughput, "Throughput by size", { title: "size of a message", points: sizes, label: SIZE_LABEL }, "MB/s"),
    ),
    "latency.svg": await draw(
      names,
      lines(latency, "Round trips of 64 bytes", { title: "of 100 round trips, so many are faster" }, "µs"),
    ),
    "fan-in.svg": await draw(
      names,
      lines(fanIn, "Many clients, 64 bytes", { title: "clients", points: crowds }, "messages/s"),
    ),
    "memory.svg": await draw(names, {
      title: "Memory of an idle connection in the server's process",
      data: { values: memory },
      mark: "bar",
      encoding: {
        y: { field: "contestant", type: "nominal", sort: names, title: null },
        yOffset: { field: "part", sort: ["heap", "buffers", "resident"] },
        x: { field: "value", type: "quantitative", title: "KiB" },
        color: { field: "part", type: "nominal", sort: ["heap", "buffers", "resident"], title: null },
      },
    }),
  };
}

type Drawing = Pick<Extract<TopLevelSpec, { mark: unknown }>, "title" | "data" | "mark" | "encoding">;

/** The floor is black and broken, ours are the strong ones; each contestant has one colour in all plots. */
const COLOURS: Readonly<Record<string, string>> = {
  "bare loop": "#000000",
  plain: "#1f77b4",
  "plain, polling": "#0b3c61",
  compatible: "#ff7f0e",
  secure: "#d62728",
  "secure, polling": "#7f0000",
  "node-ipc": "#8c564b",
  zeromq: "#2ca02c",
  ws: "#9467bd",
  "vscode-jsonrpc": "#e377c2",
  child_process: "#7f7f7f",
  "golang-ipc encrypted": "#17becf",
  "golang-ipc plain": "#9edae5",
};

const SIZE_LABEL =
  "datum.value >= 1048576 ? datum.value / 1048576 + ' MiB' : " +
  "datum.value >= 1024 ? datum.value / 1024 + ' KiB' : datum.value + ' B'";

interface Axis {
  readonly title: string;
  readonly points?: readonly number[];
  readonly label?: string;
}

/** A line for each contestant: on a logarithmic axis where there are few points, each a multiple of the one before. */
function lines(values: readonly Row[], title: string, { title: x, points, label }: Axis, y: string): Drawing {
  const names = Object.keys(COLOURS).filter((name) => values.some(({ contestant }) => contestant === name));
  const scale = points === undefined ? { zero: false, domainMax: 100 } : ({ type: "log", nice: false } as const);
  return {
    title,
    data: { values: [...values] },
    mark: { type: "line", point: true },
    encoding: {
      x: {
        ...{ field: "at", type: "quantitative", title: x, scale },
        axis: { grid: false, ...(points && { values: [...points] }), ...(label && { labelExpr: label }) },
      },
      y: { field: "value", type: "quantitative", title: y, scale: { type: "log" } },
      color: {
        ...{ field: "contestant", type: "nominal", title: null, sort: names },
        scale: { domain: names, range: names.map((name) => COLOURS[name] ?? "") },
      },
      strokeWidth: {
        condition: { test: `indexof(${JSON.stringify(OURS)}, datum.contestant) >= 0`, value: 3 },
        value: 1.5,
      },
      strokeDash: { condition: { test: "datum.contestant === 'bare loop'", value: [4, 3] }, value: [1, 0] },
    },
  };
}

async function draw(names: readonly string[], drawing: Drawing): Promise<string> {
  const spec = {
    width: WIDTH,
    height: HEIGHT,
    background: "white",
    ...drawing,
    config: { legend: { symbolLimit: names.length, labelLimit: 200 } },
  } as TopLevelSpec;
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}
