import { describe, expect, it, test } from "vitest";
import { CALL_PARTS, type CallPart } from "../profile.js";
import { type CallFigures, figureTable, profileTable, targetTable } from "./figures.js";

const MANY = "64 B JSON, 64 in flight: calls/s";

function figuresOf(
  all: Readonly<Record<string, readonly (readonly [figure: string, value: number])[][]>>,
): CallFigures {
  return new Map(Object.entries(all).map(([name, rounds]) => [name, rounds.map((round) => new Map(round))]));
}

describe("the table of calls", () => {
  test("has the median of each figure, and says what was not measured and what never came back", () => {
    const figures = figuresOf({
      birpc: [[[MANY, 1_000]], [[MANY, 3_000]], [[MANY, 2_000]]],
      "grpc-js": [[["p50", Number.POSITIVE_INFINITY]], [["p50", 1.5]], [["p50", Number.POSITIVE_INFINITY]]],
    });
    expect(figureTable(figures).replaceAll(/ +/g, " ").split("\n").slice(2)).toEqual([
      `| ${MANY} | 2 000 | – |`,
      "| p50 | – | blocked |",
    ]);
  });

  test("divides for each round, and leaves out the targets of which something was not measured", () => {
    const figures = figuresOf({
      "@ipc/rpc, secure": [[[MANY, 100]], [[MANY, 300]], [[MANY, 260]]],
      birpc: [[[MANY, 100]], [[MANY, 200]], [[MANY, 200]]],
    });
    const { table, isMet } = targetTable(figures);
    expect(table.replaceAll(/ +/g, " ").split("\n").slice(2)).toEqual([
      "| calls/s, 64 in flight: @ipc/rpc, secure ÷ birpc | ≥ 1.2 | 1.30 | met |",
    ]);
    expect(isMet).toBe(true);
  });

  test("says which target is missed", () => {
    const figures = figuresOf({ "@ipc/rpc, secure": [[[MANY, 100]]], birpc: [[[MANY, 100]]] });
    const { table, isMet } = targetTable(figures);
    expect(table).toContain("**missed**");
    expect(isMet).toBe(false);
  });
});

it("has a row for each process in the profile of calls, and shares of the time in which it was awake", () => {
  const shares = Object.fromEntries(CALL_PARTS.map((part) => [part, part === "rpc" || part === "JSON" ? 0.5 : 0]));
  const contestant = "@ipc/rpc, secure";
  const parts = shares as Record<CallPart, number>;
  const shown = profileTable([
    { contestant, end: "client", busy: 0.75, parts },
    { contestant, end: "server" },
  ]);
  const [head, , ...rows] = shown.replaceAll(/ +/g, " ").split("\n");
  expect(head).toContain("| end | awake, % | rpc, % | JSON, % |");
  expect(rows).toEqual([
    `| ${contestant} | client | 75 | 50 | 50 |${" 0 |".repeat(8)}`,
    `| ${contestant} | server | no samples |${" – |".repeat(10)}`,
  ]);
});
