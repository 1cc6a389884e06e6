import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { loopbackAddress } from "../../../internal/testkit/src/loopback-address.js";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const CLIENTS = [1, 2, 3];
const PINGS = 4;

async function show(env: NodeJS.ProcessEnv): Promise<string> {
  const { stdout } = await run(process.execPath, [MAIN], { env: { ...process.env, ...env } });
  return stdout;
}

/** Lists the clients that the manager names in each iteration, by id, in order; all iterations must be of this kind. */
function iterationsOf(stdout: string, kind: string): number[][] {
  const parts = stdout.split(/^manager │ (\w+): iteration \d+ ended \d+ ms after the start\n/m);
  const kinds = parts.filter((_, index) => index % 2 === 1);
  expect(new Set(kinds)).toEqual(new Set([kind]));
  const lines = parts.filter((_, index) => index % 2 === 0).slice(0, kinds.length);
  return lines.map((part) =>
    [...part.matchAll(/^manager │ client (\d): /gm)].map(([, id]) => Number(id)).sort((one, other) => one - other),
  );
}

function expectWholeConversation(stdout: string): void {
  for (const id of CLIENTS) {
    expect(stdout).toContain(`client(${id}), connected to `);
    expect(stdout).toContain(`manager │ client ${id}: status Connected\n`);
    const pong = `manager │ client ${id}: received type 5: "Message from client(${id}) - PONG"\n`;
    expect(stdout.split(pong)).toHaveLength(PINGS);
    expect(stdout).toContain(`manager │ client ${id}: status Disconnected\n`);
  }
  expect(stdout).toContain("manager │ status: Closed\n");
}

describe("the example of many clients", () => {
  it("polls all of them in each iteration, and ends by itself", async () => {
    const stdout = await show({ FAST: "" });
    expectWholeConversation(stdout);
    const iterations = iterationsOf(stdout, "readTimed");
    // Connected, three PONGs, Disconnected, or that there was nothing: each client is waited for until it leaves.
    expect(iterations.slice(0, PINGS)).toEqual(Array.from({ length: PINGS }, () => CLIENTS));

    const directory = /listening at .*\/(ipc-example-\w+)\//.exec(stdout)?.[1];
    expect(directory).toBeDefined();
    expect(await readdir(tmpdir())).not.toContain(directory);
  });

  it("with FAST=true takes at most one message of each client in an iteration, and ends by itself", async () => {
    const stdout = await show({ FAST: "true" });
    expectWholeConversation(stdout);
    const iterations = iterationsOf(stdout, "readTimedFastest");
    expect(iterations.length).toBeGreaterThan(PINGS);
    expect(iterations.filter((ids) => new Set(ids).size < ids.length)).toEqual([]);
  });

  it("serves the clients at one port, without ids of their own, and logs what happens, and no data, when the environment says so", async () => {
    const host = loopbackAddress();
    const tcp = { IPC_NETWORK_HOST: host, IPC_NETWORK_PORT: "18744" };
    const stdout = await show({ FAST: "true", IPC_DEBUG: "info", ...tcp });
    expect(stdout).toContain(`manager │ listening at ${host}:18744\n`);
    expect([...stdout.matchAll(/client, connected to (\S+)$/gm)].map(([, place]) => place)).toEqual(
      CLIENTS.map(() => `${host}:18744`),
    );
    expect(stdout).toContain('received type 5: "Message from client - PONG"\n');
    expect(stdout).toContain("manager │ info: server example_multi: listening at ");
    expect(stdout).not.toMatch(/(info|warn|error): .*(PING|PONG)/);
  });
});
