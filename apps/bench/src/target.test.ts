import { expect, it, test } from "vitest";
import { Figures } from "./results.js";
import type { Sample } from "./schedule.js";
import { isMet, targetsOf } from "./target.js";

function samples(contestant: string, figures: Readonly<Record<string, readonly number[]>>): Sample[] {
  return Object.entries(figures).flatMap(([figure, values]) =>
    values.map((value, round) => ({
      ...{ section: "exchange", at: 64, contestant, round },
      seconds: 1,
      outcome: { figures: { [figure]: value } },
    })),
  );
}

it("judges the median of each round's ratio, at least and at most", () => {
  const targets = targetsOf(
    new Figures([
      ...samples("bare loop", { "when it must": [100, 900, 110], p50Us: [10] }),
      ...samples("plain", { awaited: [60, 450, 11], "when it must": [60], p50Us: [12] }),
    ]),
  );
  const verdicts = targets
    .filter(({ value }) => value !== undefined)
    .map((target) => [target.what, Number(target.value?.toFixed(2)), isMet(target)]);
  expect(verdicts).toEqual([
    ["one way 64 B, plaintext ÷ bare loop, every write awaited", 0.5, true],
    ["the same, writes awaited only when they have to wait", 0.6, false],
    ["ping-pong 64 B p50, plaintext ÷ bare loop", 1.2, false],
  ]);
  expect([1.15, 1.16].map((value) => isMet({ what: "", value, limit: 1.15, sense: "at most", unit: "" }))).toEqual([
    true,
    false,
  ]);
});

test("what was not measured is neither met nor missed", () => {
  expect(targetsOf(new Figures([])).map(isMet)).toSatisfy((all: unknown[]) => all.every((one) => one === undefined));
});
