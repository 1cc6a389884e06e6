import { expect, it } from "vitest";
import { gatherField } from "./contestant.js";
import { fill, readDocument, readResults } from "./document.js";
import { plotsOf } from "./plots.js";
import { comparedSections, SLICE } from "./section.js";

const { contestants, notRun } = await gatherField();
const sections = comparedSections(SLICE);
const orderOf = (name: string, point = 0) => {
  const order = sections.find((section) => section.name === name)?.points[point]?.order;
  if (order === undefined) throw new Error(`no section ${name}`);
  return order;
};
const others = sections.map(({ name }) => name).filter((name) => name !== "exchange");

it("gives a reason for each missing contestant, and only golang-ipc may be missing", () => {
  expect(notRun.filter(({ name, why }) => name !== "golang-ipc" || why === "")).toEqual([]);
});

it.each(contestants.map((contestant) => [contestant.name, contestant] as const))(
  "%s sends messages to and fro and one way, all of which arrive",
  async (name, contestant) => {
    const { figures } = await contestant.measure(orderOf("exchange"));
    const rates = ["p50Us", figures["awaited"] === undefined ? "when it must" : "awaited"];
    // A quick one, between two looks at a coarse clock, may have taken no time at all.
    expect(rates.filter((rate) => !((figures[rate] ?? -1) >= 0))).toEqual([]);
    expect(contestant.what, name).not.toBe("");
  },
);

it.each(others)("the secure session does the work of: %s", async (section) => {
  const secure = contestants.find(({ name }) => name === "secure");
  const outcome = await secure?.measure(orderOf(section));
  const figures = Object.entries(outcome?.figures ?? {});
  expect(figures.length).toBeGreaterThan(0);
  expect(figures.filter(([, value]) => !Number.isFinite(value))).toEqual([]);
});

it("docs/BENCHMARKS.md holds what the recorded run has measured, and nothing else", async () => {
  const [document, results] = [await readDocument(), await readResults()];
  expect(fill(document, results)).toBe(document);
  const plots = await plotsOf(results);
  expect(Object.keys(plots).filter((name) => !document.includes(`(benchmarks/${name})`))).toEqual([]);
  expect(Object.values(plots).filter((svg) => !svg.startsWith("<svg"))).toEqual([]);
});
