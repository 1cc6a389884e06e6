import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);

/** It takes some seconds; a machine that is busy with something else may take long. */
const TIMEOUT_MS = 120_000;

it("counts in both directions through cuts, tells of a restart what did not arrive, and ends by itself", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { stdout } = await run(process.execPath, [fileURLToPath(new URL("../dist/main.js", import.meta.url))]);
  const lines = stdout.split("\n").filter((line) => line.includes(" │ "));
  const last = /counted 1 … (\d+);/.exec(stdout)?.[1];
  expect(lines).toEqual(
    expect.arrayContaining([
      "client    │ connected; what a cut costs: nothing",
      expect.stringMatching(/^client {4}│ counted 1 … \d+; \d\d+ cuts, \d+ messages sent again$/),
      expect.stringMatching(/^client {4}│ heard 1 … \d+ from the server, none twice, none missing$/),
      expect.stringMatching(
        new RegExp(`^server {4}│ heard 1 … ${last} from the client, none twice, none missing; resumed `),
      ),
      "server    │ took order 1",
      "server    │ took order 2",
      "server    │ dies in the middle of its work",
      "client    │ IPC_SESSION_LOST: 2 messages have not arrived, 1 may have",
      "restarted │ took order 3",
      "restarted │ took order 4",
      "restarted │ closed",
    ]),
  );
});
