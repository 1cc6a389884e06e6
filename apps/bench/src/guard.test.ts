import { describe, expect, it } from "vitest";
import { choose, compare } from "./comparison.js";
import { assertGuards, judge, parseLimit } from "./guard.js";
import type { Sample } from "./schedule.js";
import { comparedSections, QUICK } from "./section.js";

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

  it("reports a held figure that did not settle", () => {
    const [comparison] = compare(SAMPLES, ["secure"], 3);
    if (comparison === undefined) throw new Error("nothing was compared");
    const held = { ...comparison, ratios: [1, 1, 1] };
    expect(judge([{ ...held, isUnsettled: true }], [])).toEqual([
      "exchange 64+awaited+secure: did not settle, at least 0.95 is asked for; measure again on a quieter machine",
    ]);
    expect(judge([{ ...held, isUnsettled: true }], [{ names: [], ratio: 0 }])).toEqual([]);
  });
});

describe("before anything is measured,", () => {
  const guarded =
    (only: readonly string[], ...limits: string[]) =>
    (): void =>
      assertGuards(choose(only, comparedSections(QUICK)), limits.map(parseLimit));

  it("a name that nothing has is refused, with the names that are alike", () => {
    expect(guarded(["fan-in"], "fan-on=0.9")).toThrow("is called fan-on; did you mean fan-in?");
    expect(guarded(["exchange"], "exchange 65+awaited=0.9")).toThrow(
      "is called exchange 65; did you mean exchange or exchange 64",
    );
    expect(guarded(["exchange"], "plain+p50Us=0.9", "exchange 64+when it must=0.8")).not.toThrow();
    expect(guarded(["calls"], "64 B JSON, 64 in flight: calls/s=0.9")).not.toThrow();
    expect(guarded(["crowd"], "64 B JSON, 64 in flight: calls/s=0.9")).toThrow("nothing that is measured is called");
  });

  it("a comparison that nothing holds is refused", () => {
    expect(guarded(["crowd"])).toThrow("nothing that is measured is held against a ratio");
    expect(guarded(["crowd"], "0")).not.toThrow();
    expect(guarded(["crowd"], "crowd=0.8")).not.toThrow();
    for (const section of ["exchange 64", "fan-in", "calls"]) expect(guarded([section])).not.toThrow();
    expect(guarded([])).not.toThrow();
  });
});
