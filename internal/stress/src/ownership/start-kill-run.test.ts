import { expect, it } from "vitest";
import { SOCKET } from "./owner.js";
import { killStarts } from "./start-kill-run.js";

const KILLS = 3;
/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;

it(`a server starts after a process was killed in the middle of its start, ${KILLS} times`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const { left, nextStartMs } = await killStarts(KILLS);
  expect(nextStartMs).toHaveLength(KILLS);
  // The directory in which a socket is bound before it has its name, and the lock for the replacement of a stale file.
  expect(Object.keys(left).filter((what) => what !== "directory" && what !== `${SOCKET}.lock`)).toEqual([]);
});
