import { expect, it } from "vitest";
import { raceForSocket } from "./race-run.js";

const RACES = 5;
/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;

it(`one of two servers that start at the same moment gets the name, ${RACES} times a free, a stale and a closing one`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const results = await raceForSocket(RACES);
  expect(results.map(({ ground }) => ground)).toEqual(["free", "stale", "closing"]);
  for (const { ground, first, second, neither } of results) {
    expect(first + second + neither).toBe(RACES);
    if (ground !== "closing") expect(neither).toBe(0);
  }
});
