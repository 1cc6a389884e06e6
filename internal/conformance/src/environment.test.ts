import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { removeStaleSockets } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { type Outcome, runModule } from "../../testkit/src/child-process.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";

const HERE = dirname(fileURLToPath(import.meta.url));

it("client and server work in a realm in which Node's errors are no instances of Error", async () => {
  const program = fileURLToPath(new URL("../test/other-realm.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program], {
    env: { ...process.env, XDG_RUNTIME_DIR: temporaryDirectory() },
  });
  expect(JSON.parse(stdout)).toEqual({
    connect: "Connected",
    staleSocket: "Listening",
    refusedDial: "IPC_NO_SERVER",
    takenPort: "IPC_ADDRESS_IN_USE",
    keyFile: "Listening",
  });
});

it("client and server work where the global timers are numbers, as in Electron's renderer and in jsdom", async () => {
  const { stdout, stderr } = await runModule(
    `import { startClient } from "@ipc/client";
    import { startServerManager } from "@ipc/manager";
    const { setTimeout, clearTimeout } = globalThis;
    globalThis.setTimeout = globalThis.setInterval = (...args) => Number(setTimeout(...args));
    globalThis.setImmediate = undefined;
    globalThis.clearTimeout = globalThis.clearInterval = (id) => clearTimeout(id);
    const place = { name: "orders", directory: ${JSON.stringify(temporaryDirectory())} };
    const manager = await startServerManager(place);
    const message = new Promise((resolve) => manager.on("message", (_client, message) => resolve(message)));
    const client = await startClient({ ...place, multiClient: true, timeoutMs: 60_000 });
    client.unref().ref();
    await client.write(1, "x");
    console.log(typeof (await message), (await client.readTimed(0)).kind);
    for (let read = 0; read < 2; read++) console.log((await client.readTimed(0)).kind);
    await client.close();
    await manager.close();
    await startClient({ ...place, timeoutMs: 1 }).catch((error) => console.log(error.code));`,
    HERE,
  );
  expect([stderr, stdout]).toEqual(["", "object status\nstatus\ntimeout\nIPC_TIMED_OUT\n"]);
});

it("a server under Node's permission model is told what is denied, and listens with a key file where it is allowed", async () => {
  const flag = process.allowedNodeEnvironmentFlags.has("--permission") ? "--permission" : "--experimental-permission";
  const directory = temporaryDirectory();
  const text = `import { startServer } from "@ipc/server";
    const place = { name: "orders", directory: ${JSON.stringify(directory)} };
    await startServer({ ...place, security: { keyFile: place.directory + "/orders.key" } }).then(
      (server) => console.log(server.status) || server.close(),
      (error) => console.log(error.code, error.cause.code),
    );`;
  const flags = ["--no-warnings", flag, "--allow-fs-read=*"];
  const run = (...more: string[]): Promise<Outcome> => runModule(text, HERE, [...flags, ...more]);
  expect(await run()).toMatchObject({ stdout: "IPC_PERMISSION_DENIED ERR_ACCESS_DENIED\n" });
  const allowed = [`--allow-fs-write=${directory}`, "--allow-fs-write=/proc"];
  expect(await run(...allowed)).toMatchObject({ stdout: "Listening\n" });
});

describe("a manager that is never closed", () => {
  const run = (directory: string, end: string, before = ""): Promise<Outcome> =>
    runModule(
      `import { startServerManager } from "@ipc/manager";
      ${before}
      await startServerManager({ name: "run-" + process.pid, directory: ${JSON.stringify(directory)} });
      ${end}`,
      HERE,
    );

  it.each([
    ["process.exit", "process.exit(0);"],
    ["process.exit, with a umask that lets all users connect", "process.exit(0);", "process.umask(0);"],
    ["an exception that is not caught", "throw new Error('x');"],
    [
      "process.exit in a handler of SIGTERM",
      "process.once('SIGTERM', () => process.exit()).kill(process.pid, 'SIGTERM');",
    ],
  ])("leaves no file in its directory when its process ends by %s", async (_how, end, before = "") => {
    const directory = temporaryDirectory();
    await run(directory, end, before);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("leaves files when a signal ends its process, which removeStaleSockets removes", async () => {
    const directory = temporaryDirectory();
    await run(directory, "process.kill(process.pid, 'SIGKILL');");
    const left = readdirSync(directory);
    expect(left).toHaveLength(2);
    expect(await removeStaleSockets({ directory, prefix: "run-" })).toEqual(left.map((file) => join(directory, file)));
    expect(readdirSync(directory)).toEqual([]);
  });
});
