import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildNatsServer } from "@ipc-internal/conformance/nats-server";
import { expect, it } from "vitest";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const program = await buildNatsServer();

it.skipIf("missing" in program)(
  "loses no idempotent call when one of two servers is killed, and ends by itself",
  async () => {
    const { stdout } = await run(process.execPath, [MAIN]);
    const lines = stdout.split("\n");
    expect(lines.filter((line) => line.includes("2000 of 2000 idempotent calls answered"))).toHaveLength(3);
    expect(lines).toContainEqual(expect.stringMatching(/^server [ab] │ drained$/));
    for (const line of lines.filter((each) => each.includes("pay: lost")))
      expect(line).toMatch(/IPC_CALL_LOST, executed: (maybe|no)/);
  },
);
