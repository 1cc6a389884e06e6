import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const PINGS = 4;
const THINK_MS = 300;

interface Shown {
  readonly stdout: string;
  readonly iterations: number;
  /** By the name of each process: how long its PINGs took, in milliseconds. */
  readonly took: ReadonlyMap<string, number>;
}

async function show(what: string, env: NodeJS.ProcessEnv): Promise<Shown> {
  const { stdout } = await run(process.execPath, [MAIN], { env: { ...process.env, ...env } });
  const iterations = stdout.matchAll(new RegExp(`^manager │ ${what}: iteration (\\d+) ended \\d+ ms`, "gm"));
  const took = stdout.matchAll(/^(\w+) +│ had 4 PINGs within (\d+) ms$/gm);
  return {
    stdout,
    iterations: Math.max(...[...iterations].map(([, iteration]) => Number(iteration))),
    took: new Map([...took].map(([, name = "", ms]) => [name, Number(ms)])),
  };
}

describe("the example of many clients", () => {
  it("polls all of them, each time as long as the slowest takes, and ends by itself", async () => {
    const { stdout, iterations, took } = await show("readTimed", { FAST: "" });
    for (const id of [1, 2, 3]) {
      expect(stdout).toContain(`client ${id}, connected to `);
      expect(stdout).toContain(`manager │ client ${id}: status Connected\n`);
      expect(
        stdout.split(`manager │ client ${id}: received type 5: "Message from client(${id}) - PONG"\n`),
      ).toHaveLength(PINGS);
      expect(stdout).toContain(`manager │ client ${id}: status Disconnected\n`);
    }
    expect(stdout).toContain("manager │ status: Closed\n");
    // Connected and three PONGs, then Disconnected, which may take another one.
    expect([PINGS + 1, PINGS + 2]).toContain(iterations);
    // Their first answer may be read at once; each of the others waits until the slow one has spoken.
    for (const quick of ["quick1", "quick2"]) expect(took.get(quick)).toBeGreaterThan(THINK_MS * (PINGS - 2) * 0.9);

    const directory = /listening at .*\/(ipc-example-\w+)\//.exec(stdout)?.[1];
    expect(directory).toBeDefined();
    expect(await readdir(tmpdir())).not.toContain(directory);
  });

  it("with FAST=true it goes on as soon as one has spoken", async () => {
    const { iterations, took } = await show("readTimedFastest", { FAST: "true" });
    expect(iterations).toBeGreaterThan(PINGS + 2);
    const slow = took.get("slow") ?? 0;
    expect(slow).toBeGreaterThan(THINK_MS * (PINGS - 1) * 0.9);
    for (const quick of ["quick1", "quick2"]) expect(took.get(quick)).toBeLessThan(slow);
  });

  it("gives the clients ports of their own, where the environment says TCP", async () => {
    const { stdout } = await show("readTimedFastest", { FAST: "true", IPC_NETWORK_PORT: "18744" });
    expect(stdout).toContain("manager │ listening at 127.0.0.1:18744\n");
    for (const id of [1, 2, 3]) expect(stdout).toContain(`client ${id}, connected to 127.0.0.1:${18_744 + id}\n`);
  });

  it("waits as IPC_WAIT says, shows which polls time out, and logs where IPC_DEBUG asks for it", async () => {
    const { stdout } = await show("readTimed", { FAST: "", IPC_WAIT: "1200", IPC_DEBUG: "info" });
    expect(stdout).toMatch(/^manager │ client \d: nothing within 1000 ms$/m);
    expect(stdout).toContain("manager │ info: server example_multi: listening at ");
    expect(stdout).not.toMatch(/(info|warn|error): .*(PING|PONG)/);
  });
});
