import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { choose, compare, comparisonTable, inPairs, leaveOut } from "./comparison.js";
import type { Contestant } from "./contestant.js";
import { measureAll, type Sample } from "./schedule.js";
import { comparedSections, FULL, SLICE, sectionsOf } from "./section.js";

const ALL = comparedSections(SLICE);

it("measures both revisions of each mode in turn, and starts each round with the other one", async () => {
  const measured: string[] = [];
  const contestants = ["plain, this", "plain, other", "secure, this", "secure, other"].map(
    (name): Contestant => ({
      ...{ name, what: "", cannot: () => undefined },
      measure: async () => {
        measured.push(name);
        return { figures: {} };
      },
    }),
  );
  const { sections } = choose(["exchange 64"], ALL);
  const modes = ["plain", "secure"];
  await measureAll(
    sections.map((section) => inPairs(section, modes, 3)),
    contestants,
    () => {},
  );
  expect(measured).toEqual([
    ...["plain, this", "plain, other", "secure, this", "secure, other"],
    ...["plain, other", "plain, this", "secure, other", "secure, this"],
    ...["plain, this", "plain, other", "secure, this", "secure, other"],
  ]);
});

it("compares all work in three modes when no word names anything else, but for crowds that take minutes", () => {
  const { sections, modes } = choose([], comparedSections(FULL));
  const chosen = Object.fromEntries(sections.map(({ name, points }) => [name, points.map(({ at }) => at)]));
  expect(Object.keys(chosen)).toEqual([...sectionsOf(FULL).map(({ name }) => name), "calls"]);
  expect(chosen).toMatchObject({ exchange: [64, 1_024, 65_536, 1_048_576], crowd: [1_000], calls: [0] });
  expect(modes).toEqual(["plain", "compatible", "secure"]);
});

it("compares single points of a section", () => {
  const { sections } = choose(["exchange 64", "exchange 1024", "fan-in"], ALL);
  const chosen = sections.map(({ name, points }) => [name, points.map(({ at }) => at)]);
  expect(chosen).toEqual([
    ["exchange", [64, 1_024]],
    ["fan-in", [3]],
  ]);
});

it("compares no calls with a revision that has no @ipc/rpc, and says so", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ipc-revision-"));
  const chosen = choose(["calls", "crowd"], ALL);
  try {
    const { choice, remarks } = leaveOut(folder, chosen);
    expect(choice.sections.map(({ name }) => name)).toEqual(["crowd"]);
    expect(remarks).toEqual(["calls: not compared, because the other revision has no @ipc/rpc."]);
    await mkdir(join(folder, "apps/bench/node_modules/@ipc/rpc"), { recursive: true });
    expect(leaveOut(folder, chosen)).toEqual({ choice: chosen, remarks: [] });
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("compares the named sections and modes, and refuses what has no figures of two revisions", () => {
  const { sections, modes } = choose(["fan-in", "one-way", "secure", "plain, polling"], ALL);
  expect(sections.map(({ name }) => name)).toEqual(["exchange", "fan-in"]);
  expect(modes).toEqual(["secure", "plain, polling"]);
  expect(() => choose(["profile"], ALL)).toThrow("nothing is called profile");
  expect(() => choose(["zeromq"], ALL)).toThrow("nothing is called zeromq");
});

const samples = (contestant: string, values: readonly (number | undefined)[]): Sample[] =>
  values.map((value, round) => ({
    ...{ section: "exchange", at: 64, contestant, round, seconds: 1 },
    outcome: value === undefined ? { figures: {} } : { figures: { awaited: value } },
  }));

it("divides each round by itself, and leaves out a round that has no ratio", () => {
  // Out of order, as the rounds of two revisions are measured.
  const measured = [
    ...samples("plain, other", [100, 400, 0, 20]).reverse(),
    ...samples("plain, this", [90, 400, 50, 30, 70]),
  ];
  const comparisons = compare(measured, ["plain"], 5);
  expect(comparisons).toEqual([
    {
      ...{ section: "exchange", at: 64, mode: "plain", figure: "awaited", isUnsettled: false },
      ratios: [0.9, 1, undefined, 1.5, undefined],
    },
  ]);
  const row = comparisonTable(comparisons, 5).split("\n").at(-1) ?? "";
  const cells = row.split("|").map((cell) => cell.trim());
  expect(cells.slice(1, -1)).toEqual([
    ...["exchange 64", "one way, each write awaited, messages/s", "plain"],
    ...["1.000 (0.900 … 1.500)", "0.900", "1.000", "–", "1.500", "–"],
  ]);
});

it("marks a ratio when the warm-up of one revision did not settle", () => {
  const [other, ...own] = [...samples("plain, other", [100]), ...samples("plain, this", [90])] as [Sample, Sample];
  const unsettled: Sample = { ...other, outcome: { figures: { awaited: 100 }, unsettled: ["awaited"] } };
  expect(comparisonTable(compare([unsettled, ...own], ["plain"], 1), 1)).toMatch(/ ~ 0\.900 \|/);
});

it("gives no ratios when one revision has failed in any round", () => {
  const [first, second] = samples("plain, other", [100, 100]) as [Sample, Sample];
  const failed: Sample[] = [first, { ...second, outcome: { failed: "died" } }];
  expect(compare([...failed, ...samples("plain, this", [90, 90])], ["plain"], 2)[0]?.ratios).toEqual([
    undefined,
    undefined,
  ]);
});
