import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildNatsServer } from "@ipc-internal/conformance/nats-server";
import { PrivateNetwork } from "@ipc-internal/conformance/private-network";
import { expect, it } from "vitest";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const program = await buildNatsServer();

it("says how to get a broker where there is none, and fails", async () => {
  const running = run(process.execPath, [MAIN], { env: { PATH: "/nowhere" } });
  await expect(running).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/There is no broker.*\n.*nats-io\/nats-server\/releases.*\n.*go\.dev\/dl/),
  });
});

it.skipIf("missing" in program)(
  "loses no idempotent call when one of two servers is killed, and ends by itself",
  async () => {
    const { stdout } = await run(process.execPath, [MAIN], { env: { ...process.env, IPC_CALLS: "400" } });
    const lines = stdout.split("\n");
    expect(lines.filter((line) => line.includes("400 of 400 idempotent calls answered"))).toHaveLength(3);
    const network = PrivateNetwork.whyMissing() === undefined ? "each is a host of its own" : "the loopback interface";
    expect(lines).toContainEqual(expect.stringContaining(`network  │ ${network}`));
    expect(lines).toContainEqual(expect.stringMatching(/^server [ab] │ drained$/));
    for (const line of lines.filter((each) => each.includes("pay: lost")))
      expect(line).toMatch(/IPC_CALL_LOST, executed: (maybe|no)/);
  },
);
