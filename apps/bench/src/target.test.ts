import { expect, it, test } from "vitest";
import { Figures } from "./results.js";
import type { Sample } from "./schedule.js";
import { isMet, type Target, targetsOf } from "./target.js";

function samples(
  contestant: string,
  figures: Readonly<Record<string, readonly number[]>>,
  { section = "exchange", at = 64 } = {},
): Sample[] {
  return Object.entries(figures).flatMap(([figure, values]) =>
    values.map((value, round) => ({
      ...{ section, at, contestant, round },
      seconds: 1,
      outcome: { figures: { [figure]: value } },
    })),
  );
}

/** Returns the verdicts on the measured figures. */
function verdictsOf(targets: readonly Target[]): unknown[] {
  return targets
    .filter(({ value }) => value !== undefined)
    .map((target) => [target.what, Number(target.value?.toFixed(2)), isMet(target)]);
}

it("judges the median of each round's ratio, at least and at most", () => {
  const targets = targetsOf(
    new Figures([
      ...samples("bare loop", { "when it must": [100, 900, 110], p50Us: [10] }),
      ...samples("plain", { awaited: [95, 900, 11], "when it must": [60], p50Us: [12] }),
    ]),
  );
  expect(verdictsOf(targets)).toEqual([
    ["one way 64 B, plaintext ÷ bare loop, every write awaited", 0.95, true],
    ["the same, writes awaited only when they have to wait", 0.6, false],
    ["ping-pong 64 B p50, plaintext ÷ bare loop", 1.2, false],
  ]);
  expect([1.15, 1.16].map((value) => isMet({ what: "", value, limit: 1.15, sense: "at most", unit: "" }))).toEqual([
    true,
    false,
  ]);
});

it("divides large messages of a secure session by those of plaintext and of compatible mode, at each size", () => {
  const large = [64 * 1_024, 1_024 * 1_024].flatMap((at) =>
    Object.entries({ secure: 42, plain: 100, compatible: at === 64 * 1_024 ? 42 : 43 }).flatMap(([mode, rate]) =>
      samples(mode, { "when it must": [rate] }, { at }),
    ),
  );
  expect(verdictsOf(targetsOf(new Figures(large)))).toEqual([
    ["one way 64 KiB, secure session ÷ our plaintext", 0.42, true],
    ["one way 64 KiB, secure session ÷ compatible mode", 1, true],
    ["one way 1 MiB, secure session ÷ our plaintext", 0.42, true],
    ["one way 1 MiB, secure session ÷ compatible mode", 0.98, false],
  ]);
});

it("divides the p99 of round trips by that of ws, on a quiet machine and beside a busy core", () => {
  const tails = [0, 1].flatMap((at) => [
    ...samples("secure", { p99Us: [150 + at] }, { section: "tails", at }),
    ...samples("ws", { p99Us: [100] }, { section: "tails", at }),
  ]);
  expect(verdictsOf(targetsOf(new Figures(tails)))).toEqual([
    ["ping-pong 64 B p99 on a quiet machine, secure session ÷ ws", 1.5, true],
    ["ping-pong 64 B p99 beside a busy core, secure session ÷ ws", 1.51, false],
  ]);
});

test("what was not measured is neither met nor missed", () => {
  expect(targetsOf(new Figures([])).map(isMet)).toSatisfy((all: unknown[]) => all.every((one) => one === undefined));
});
