import { expect, it } from "vitest";
import type { Results } from "./results.js";
import { tablesOf } from "./tables.js";

it("shows a profile without samples as such, also after a round trip through JSON", () => {
  const work = { work: "burst", contestant: "plain" };
  const parts = { framing: 0.25, crypto: 0, session: 0.5, benchmark: 0.25, ciphers: 0, node: 0, system: 0, garbage: 0 };
  const results: Results = {
    ...{ machine: "", isQuick: true, minutes: 1, contestants: [], notRun: [], samples: [] },
    profiles: [
      { ...work, end: "client", busy: 0.5, parts },
      { ...work, end: "server", busy: 0 },
      { ...work, end: "server", busy: undefined, parts: undefined },
    ],
  };
  for (const shown of [results, JSON.parse(JSON.stringify(results)) as Results]) {
    const rows = tablesOf(shown)["profile"]?.split("\n").slice(2) ?? [];
    expect(
      rows.map((row) =>
        row
          .split("|")
          .slice(3, -1)
          .map((cell) => cell.trim()),
      ),
    ).toEqual([
      ["client", "50", "25", "0", "50", "25", "0", "0", "0", "0"],
      ["server", "0", ...new Array(8).fill("–")],
      ["server", "no samples", ...new Array(8).fill("–")],
    ]);
  }
});
