import { expect, it } from "vitest";
import { select } from "./selection.js";

const ALL = { sections: ["exchange", "loop delay"], contestants: ["bare loop", "plain", "golang-ipc plain"] };

it("picks everything where no word names any", () => {
  expect(select([], ALL)).toEqual(ALL);
  expect(select(["exchange"], ALL)).toEqual({ ...ALL, sections: ["exchange"] });
});

it("takes a whole name for itself, a part for all that have it, and for contestants first", () => {
  expect(select(["plain"], ALL).contestants).toEqual(["plain"]);
  expect(select(["golang"], ALL).contestants).toEqual(["golang-ipc plain"]);
  expect(select(["loop"], ALL)).toEqual({ ...ALL, contestants: ["bare loop"] });
  expect(select(["delay", "bare"], ALL)).toEqual({ sections: ["loop delay"], contestants: ["bare loop"] });
});

it("knows sections by other names, too, and refuses what names nothing", () => {
  expect(select(["round-trip"], ALL, { "round-trip": "exchange" }).sections).toEqual(["exchange"]);
  expect(() => select(["nobody"], ALL)).toThrow(
    "--only: nothing is called nobody; there are exchange, loop delay, bare",
  );
});
