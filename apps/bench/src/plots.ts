import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { QUANTILES } from "./order.js";
import { Figures, type Results } from "./results.js";

const WIDTH = 620;
const HEIGHT = 340;
const KIB = 1_024;
const MEGABYTE = 1_000_000;

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
  const rows = (points: readonly number[], figureOf: (who: string, at: number) => number | undefined): Row[] =>
    names.flatMap((who) =>
      points.flatMap((at) => {
        const value = figureOf(who, at);
        return value === undefined ? [] : [{ who, at, value }];
      }),
    );
  const throughput = rows(figures.points("exchange"), (who, at) => {
    const rate = best(who, at);
    return rate && (rate * at) / MEGABYTE;
  });
  const latency = names.flatMap((who) =>
    figures
      .quantilesUs({ section: "exchange", at: 64, contestant: who })
      .map((value, index) => ({ who, at: (QUANTILES[index] ?? 0) * 100, value })),
  );
  const fanIn = rows(figures.points("fan-in"), (contestant, at) =>
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
    "throughput.svg": await draw(names, lines(throughput, "Throughput by size", "bytes in a message", "MB/s", "log")),
    "latency.svg": await draw(names, {
      ...lines(latency, "Round trips of 64 bytes", "of 100 round trips, so many are faster", "µs", "linear"),
    }),
    "fan-in.svg": await draw(names, lines(fanIn, "Many clients, 64 bytes", "clients", "messages/s", "log")),
    "memory.svg": await draw(names, {
      title: "Memory of an idle connection in the server's process",
      data: { values: memory },
      mark: "bar",
      encoding: {
        y: { field: "who", type: "nominal", sort: names, title: null },
        yOffset: { field: "part", sort: ["heap", "buffers", "resident"] },
        x: { field: "value", type: "quantitative", title: "KiB" },
        color: { field: "part", type: "nominal", sort: ["heap", "buffers", "resident"], title: null },
      },
    }),
  };
}

type Drawing = Pick<Extract<TopLevelSpec, { mark: unknown }>, "title" | "data" | "mark" | "encoding">;

function lines(values: readonly Row[], title: string, x: string, y: string, xScale: "log" | "linear"): Drawing {
  return {
    title,
    data: { values: [...values] },
    mark: { type: "line", point: true },
    encoding: {
      x: {
        field: "at",
        type: "quantitative",
        title: x,
        scale: xScale === "log" ? { type: xScale } : { type: xScale, zero: false },
        axis: { grid: false },
      },
      y: { field: "value", type: "quantitative", title: y, scale: { type: "log" } },
      color: { field: "who", type: "nominal", title: null, scale: { scheme: "category20" } },
      strokeDash: { condition: { test: "datum.who === 'bare loop'", value: [4, 3] }, value: [1, 0] },
    },
  };
}

async function draw(names: readonly string[], drawing: Drawing): Promise<string> {
  const spec = {
    width: WIDTH,
    height: HEIGHT,
    background: "white",
    ...drawing,
    config: { legend: { symbolLimit: names.length } },
  } as TopLevelSpec;
  const view = new View(parse(compile(spec).spec), { renderer: "none" });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}
