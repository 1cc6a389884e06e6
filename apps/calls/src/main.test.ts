import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

it("shows calls, streams, a typed error, a call back, a cancellation and a deadline, and ends by itself", async () => {
  const { stdout } = await run(process.execPath, [MAIN]);
  const lines = stdout.split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      'client │ get: {"id":7,"total":70}',
      'client │ get: NOT_FOUND, data {"id":-1}, executed: yes',
      'client │ watch: leaves the stream at {"id":3,"total":103}',
      "daemon │ watch: the reader has left after fewer than 1 000 items; the generator ends",
      'client │ show: "the report is ready"',
      expect.stringMatching(/^client │ report: the client of id \d said: thanks$/),
      'client │ get: 1 000 calls at once, the last one gave {"id":999,"total":9990}',
      "slow   │ upload: the daemon reads nothing yet, so the generator stopped at item 256; get is answered meanwhile",
      "slow   │ upload: the daemon has read all 2000 items",
      "slow   │ think, cancelled: IPC_ABORTED, executed: maybe",
      "daemon │ think: stopped, because of IPC_ABORTED",
      "slow   │ think, with a deadline of 50 ms: IPC_TIMED_OUT, executed: maybe",
      "client │ closed",
      "slow   │ closed",
    ]),
  );
});
