import { expect, it } from "vitest";
import { retry } from "./retry.mjs";

/** @param {number} failures how many calls fail before one succeeds */
async function play(failures) {
  /** @type {unknown[]} */
  const events = [];
  let calls = 0;
  const action = async () => {
    calls += 1;
    if (calls <= failures) throw new Error(`failure ${calls}`);
    return `result of call ${calls}`;
  };
  const options = {
    attempts: 3,
    pauseMs: 50,
    onFailure: (/** @type {unknown} */ error) => events.push(String(error)),
    wait: async (/** @type {number} */ ms) => events.push(ms),
  };
  events.push(await retry(action, options).catch(String));
  return events;
}

it("returns the result of the first attempt that succeeds, and pauses after each failure", async () => {
  expect(await play(0)).toEqual(["result of call 1"]);
  expect(await play(2)).toEqual(["Error: failure 1", 50, "Error: failure 2", 50, "result of call 3"]);
});

it("throws the error of the last attempt", async () => {
  expect(await play(3)).toEqual(["Error: failure 1", 50, "Error: failure 2", 50, "Error: failure 3"]);
});
