import { expect, it } from "vitest";
import { watchStarts } from "./watch-run.js";

const STARTS = 12;
/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;

it(`a socket file has its mode from the first instant that it is seen, through ${STARTS} starts under three umasks`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const { seen, careless } = await watchStarts(STARTS);
  expect(seen).toMatchObject({ "socket 600": STARTS / 2, "socket 777": STARTS / 2 });
  // The same watch sees another mode of a server that leaves it to the umask.
  expect(careless).toEqual(["socket 777"]);
});
