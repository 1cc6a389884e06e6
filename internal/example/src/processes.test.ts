import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { runProcesses } from "./processes.js";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ipc-processes-"));
});
afterAll(() => rm(directory, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

async function programs(codes: Readonly<Record<string, string>>): Promise<Record<string, URL>> {
  const files = Object.entries(codes).map(async ([name, code]) => {
    const file = join(directory, `${name}.mjs`);
    await writeFile(file, code);
    return [name, pathToFileURL(file)] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

it("prints the lines of each process behind its name", async () => {
  const log = vi.spyOn(console, "log").mockReturnValue(undefined);
  await runProcesses(await programs({ server: 'console.log("a\\nb")', client10: 'console.log("c")' }));
  const lines = log.mock.calls.map(([line]) => line);
  expect(lines.filter((line) => line.startsWith("server"))).toEqual(["server   │ a", "server   │ b"]);
  expect(lines).toContain("client10 │ c");
});

it("runs the first throughout, and the others one after the other", async () => {
  const log = vi.spyOn(console, "log").mockReturnValue(undefined);
  const file = "process.env.IPC_DIRECTORY + '/over'";
  const server = `import fs from "node:fs"; console.log("starts"); const timer = setInterval(() => {
    if (fs.existsSync(${file})) { fs.unlinkSync(${file}); clearInterval(timer); console.log("ends"); }
  }, 5);`;
  const first = 'console.log("starts"); setTimeout(() => console.log("ends"), 100);';
  const last = `import fs from "node:fs"; console.log("starts and ends"); fs.writeFileSync(${file}, "");`;
  await runProcesses(await programs({ server, first, last }), { inTurn: true });
  const lines = log.mock.calls.map(([line]) => line);
  expect(lines.filter((line) => !line.startsWith("server"))).toEqual([
    "first  │ starts",
    "first  │ ends",
    "last   │ starts and ends",
  ]);
  expect(lines).toContain("server │ ends");
});

it("starts no further program when the first one has failed", async () => {
  const log = vi.spyOn(console, "log").mockReturnValue(undefined);
  const staying = "setInterval(() => {}, 1000)";
  const three = await programs({ server: "process.exit(3)", first: staying, last: 'console.log("starts")' });
  await expect(runProcesses(three, { inTurn: true })).rejects.toThrow(/server\.mjs ended with 3/);
  expect(log).not.toHaveBeenCalled();
});

it("gives the directory of the socket files the mode that it is asked for, 0700 by default", async () => {
  const log = vi.spyOn(console, "log").mockReturnValue(undefined);
  const mode =
    'import fs from "node:fs"; console.log((fs.statSync(process.env.IPC_DIRECTORY).mode & 0o777).toString(8))';
  await runProcesses(await programs({ mode }));
  await runProcesses(await programs({ mode }), { directoryMode: 0o755 });
  expect(log.mock.calls).toEqual([["mode │ 700"], ["mode │ 755"]]);
});

it("fails when one process fails, without waiting for the others or for their files", async () => {
  const leave = 'import fs from "node:fs"; fs.writeFileSync(process.env.IPC_DIRECTORY + "/its.sock", "")';
  const staying = "setInterval(() => {}, 1000)";
  const failing = `${leave}; process.exit(3)`;
  const three = await programs({ server: staying, first: staying, second: failing });
  await expect(runProcesses(three)).rejects.toThrow(/second\.mjs ended with 3/);
});

it("fails when a file is left behind", async () => {
  // Goes with the directory of these tests.
  vi.stubEnv("TMPDIR", directory);
  const leave = 'import fs from "node:fs"; fs.writeFileSync(process.env.IPC_DIRECTORY + "/left.sock", "")';
  await expect(runProcesses(await programs({ server: leave }))).rejects.toMatchObject({ code: "ENOTEMPTY" });
});
