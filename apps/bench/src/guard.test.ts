import { describe, expect, it } from "vitest";
import { compare } from "./comparison.js";
import { judge, parseLimit } from "./guard.js";
import type { Sample } from "./schedule.js";

const at = (section: string, point: number, figure: string, mode: string, ratios: readonly number[]): Sample[] =>
  ratios.flatMap((ratio, round) =>
    Object.entries({ this: ratio * 100, other: 100 }).map(([revision, value]) => ({
      ...{ section, at: point, contestant: `${mode}, ${revision}`, round, seconds: 1 },
      outcome: { figures: { [figure]: value } },
    })),
  );

/** Three rounds of two revisions: this one is slower by 8 % in most figures. */
const SAMPLES = [
  ...at("exchange", 64, "awaited", "plain", [0.5, 0.96, 1.2]),
  ...at("exchange", 64, "awaited", "secure", [0.92, 0.9, 1.1]),
  ...at("exchange", 64, "p50Us", "plain", [1.087, 1.087, 1.087]),
  ...at("exchange", 1_024, "awaited", "plain", [0.92, 0.92, 0.92]),
  ...at("fan-in", 10, "perSecond", "plain", [0.92, 0.92, 0.92]),
  ...at("calls", 0, "64 B JSON, 64 in flight: calls/s", "plain", [0.92, 0.92, 0.92]),
  ...at("calls", 0, "64 KiB JSON, 64 in flight: calls/s", "plain", [0.92, 0.92, 0.92]),
];

const judged = (...words: string[]): string[] => judge(compare(SAMPLES, ["plain", "secure"], 3), words.map(parseLimit));
const what = (sentences: readonly string[]): (string | undefined)[] => sentences.map((each) => each.split(": ").at(-2));

describe("a comparison of two revisions", () => {
  it("finds every rate at 64 B whose median is below 0.95, and nothing else", () => {
    expect(judged()).toEqual([
      "exchange 64+awaited+secure: this ÷ other is 0.920, at least 0.95 is asked for",
      "fan-in 10+perSecond+plain: this ÷ other is 0.920, at least 0.95 is asked for",
      "calls+64 B JSON, 64 in flight: calls/s+plain: this ÷ other is 0.920, at least 0.95 is asked for",
    ]);
  });

  it("holds the rates at 64 B against another ratio", () => {
    expect(judged("0.9")).toEqual([]);
    expect(judged("0.97").length).toBe(4);
    expect(judged("0")).toEqual([]);
  });

  it("holds a figure, a section or a mode against a ratio of its own, the last one that fits", () => {
    expect(what(judged("0", "exchange 1024+awaited=0.95"))).toEqual(["exchange 1024+awaited+plain"]);
    expect(what(judged("0", "exchange=0.95", "secure=0.9"))).toEqual([
      ...["exchange 64+p50Us+plain", "exchange 1024+awaited+plain"],
    ]);
  });

  it("divides a time the other way round, so that a slower one is below", () => {
    expect(judged("0", "p50Us=0.95")).toEqual([
      "exchange 64+p50Us+plain: other ÷ this is 0.920, at least 0.95 is asked for",
    ]);
    expect(judged("0", "p50Us=0.91")).toEqual([]);
  });

  it("refuses names that no figure has, because a limit that holds nothing guards nothing", () => {
    expect(() => judged("exchange 64+p99Us=0.9")).toThrow("no figure is called exchange 64+p99Us; names are exchange,");
  });

  it.each(["", "fast", "-1", "=0.9", "awaited=", "exchange+=0.9", "awaited=NaN"])("refuses the limit %j", (text) => {
    expect(() => parseLimit(text)).toThrow(TypeError);
  });
});
