import { expect, it } from "vitest";
import { SOCKET } from "./owner-order.js";
import { killStarts } from "./start-kill-run.js";

const KILLS = 5;

it(`a process that is killed in the midst of its start is no obstacle to the next, ${KILLS} times`, async () => {
  const { left, nextStartMs } = await killStarts(KILLS);
  expect(nextStartMs).toHaveLength(KILLS);
  // The directory in which a socket is bound before it has its name, and the lock of who replaces a stale file.
  expect(Object.keys(left).filter((what) => what !== "directory" && what !== `${SOCKET}.lock`)).toEqual([]);
});
