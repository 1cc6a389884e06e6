import { expect, it } from "vitest";
import { readVerdict } from "./spin.js";

const WHOLE = `
State-vector 80 byte, depth reached 66, errors: 0
    12345 states, stored
unreached in proctype client
	model.pml:57, state 21, "assert((a<=sent))"
	(1 of 40 states)
unreached in proctype server
	model.pml:99, state 70, "-end-"
	(1 of 70 states)
`;

it("reads the states and what no run reaches", () => {
  expect(readVerdict(WHOLE)).toEqual({
    error: undefined,
    states: 12_345,
    unreached: ["client: 57, assert((a<=sent))", "server: its end"],
  });
});

it("reads the first error in Spin's words", () => {
  const failed = `pan:1: assertion violated (number==up.received) (at depth 46)\npan: wrote model.pml.trail\n${WHOLE}`;
  expect(readVerdict(failed).error).toBe("assertion violated (number==up.received)");
});

it.each(["error: max search depth too small", "pan: out of memory"])(
  "rejects a search that is not complete: %s",
  (line) => {
    expect(() => readVerdict(`${line}\n${WHOLE}`)).toThrow("not complete");
  },
);
