import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { nodeContestant } from "./contestant.js";
import { AS_USERS_RUN, describeStart, FIXED_MEMORY } from "./fixed-memory.js";

/** Stands for a client's process: tells how its server's process was started, which it forks as the real one does. */
const CLIENT = `
import { fork } from "node:child_process";
const { MALLOC_TRIM_THRESHOLD_: trim = "0" } = process.env;
if (process.send) process.send({ figures: { flags: process.execArgv.length, trim: Number(trim) } });
else fork(process.argv[1]).once("message", (outcome) => console.log(JSON.stringify(outcome)));
`;

it("starts the client's and the server's process with the same fixed memory, or as a user does", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ipc-start-"));
  const client = join(folder, "client.mjs");
  await writeFile(client, CLIENT);
  const measure = async (start: typeof AS_USERS_RUN) =>
    (await nodeContestant("plain", "", client, start)).measure({ workload: "crowd", clients: 1, atOnce: 1 });
  try {
    // --expose-gc stands in both.
    expect(await measure(FIXED_MEMORY)).toEqual({ figures: { flags: 3, trim: 67_108_864 } });
    expect(await measure(AS_USERS_RUN)).toEqual({ figures: { flags: 1, trim: 0 } });
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("says how the processes of a comparison were started", () => {
  expect(describeStart(FIXED_MEMORY)).toContain("(--min-semi-space-size=4 --max-semi-space-size=4 MALLOC_TRIM");
  expect(describeStart(AS_USERS_RUN)).toMatch(/^All processes ran as a user starts them/);
});
