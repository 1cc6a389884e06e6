import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { loopbackAddress } from "../../../internal/testkit/src/loopback-address.js";

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL("../dist/main.js", import.meta.url));

it("shows two processes that exchange encrypted messages, and ends by itself", async () => {
  const { stdout } = await run(process.execPath, [MAIN]);
  expect(stdout).toMatch(/^server │ listening at .*example_simple\.sock$/m);
  expect(stdout).toMatch(/^client │ the connection is encrypted, in a secure session: /m);
  expect(stdout).toMatch(/^server │ received type 5: "Message from client - PONG"$/m);
  expect(stdout).toMatch(/^client │ received type 1: "server - PING"$/m);
  expect(stdout).toMatch(/^client │ round trip of 64 bytes, median of 2000: \d+ µs$/m);
  for (const status of ["Connected", "Disconnected", "Closing", "Closed"]) {
    expect(stdout).toContain(`server │ status: ${status}\n`);
  }
  for (const status of ["Connecting", "Connected", "Closed"]) expect(stdout).toContain(`client │ status: ${status}\n`);
  const directory = /listening at .*\/(ipc-example-\w+)\//.exec(stdout)?.[1];
  expect(directory).toBeDefined();
  expect(await readdir(tmpdir())).not.toContain(directory);
});

it("leaves the unix socket for TCP, and logs what happens, and no data, where the environment says so", async () => {
  const host = loopbackAddress();
  const env = { ...process.env, IPC_NETWORK_HOST: host, IPC_NETWORK_PORT: "18734", IPC_DEBUG: "info" };
  const { stdout } = await run(process.execPath, [MAIN], { env });
  expect(stdout).toContain(`server │ listening at ${host}:18734\n`);
  expect(stdout).toContain(`client │ connected to ${host}:18734\n`);
  expect(stdout).toContain("server │ info: server example_simple: listening at ");
  expect(stdout).not.toMatch(/debug:/);
  expect(stdout).not.toMatch(/(info|warn|error): .*(PING|PONG)/);
});
