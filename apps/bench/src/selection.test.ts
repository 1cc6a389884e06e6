import { expect, it } from "vitest";
import { select } from "./selection.js";

const ALL = { sections: ["exchange", "loop delay"], contestants: ["bare loop", "plain", "golang-ipc plain"] };

it("picks everything, or the given choice, of a kind of which no word names one", () => {
  expect(select([], ALL)).toEqual(ALL);
  expect(select(["exchange"], ALL, {}, { sections: [], contestants: ["plain"] })).toEqual({
    ...{ sections: ["exchange"], contestants: ["plain"] },
  });
  expect(select(["exchange"], ALL)).toEqual({ ...ALL, sections: ["exchange"] });
});

it("takes a whole name for itself, a part for all that have it, and for contestants first", () => {
  expect(select(["plain"], ALL).contestants).toEqual(["plain"]);
  expect(select(["golang"], ALL).contestants).toEqual(["golang-ipc plain"]);
  expect(select(["loop"], ALL)).toEqual({ ...ALL, contestants: ["bare loop"] });
  expect(select(["delay", "bare"], ALL)).toEqual({ sections: ["loop delay"], contestants: ["bare loop"] });
});

it("accepts other names of the sections that there are, and refuses a word that names nothing", () => {
  expect(select(["round-trip"], ALL, { "round-trip": "exchange" }).sections).toEqual(["exchange"]);
  expect(() => select(["calls"], ALL, { calls: "system calls" })).toThrow("nothing is called calls");
  expect(() => select(["nothing"], ALL)).toThrow(
    "--only: nothing is called nothing; there are exchange, loop delay, bare",
  );
});
