import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
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
});

async function programs(codes: Readonly<Record<string, string>>): Promise<Record<string, URL>> {
  const files = Object.entries(codes).map(async ([name, code]) => {
    const file = join(directory, `${name}.mjs`);
    await writeFile(file, code);
    return [name, pathToFileURL(file)] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

it("prints what each process says behind its name", async () => {
  const log = vi.spyOn(console, "log").mockReturnValue(undefined);
  await runProcesses(await programs({ server: 'console.log("a\\nb")', client10: 'console.log("c")' }));
  const lines = log.mock.calls.map(([line]) => line);
  expect(lines.filter((line) => line.startsWith("server"))).toEqual(["server   │ a", "server   │ b"]);
  expect(lines).toContain("client10 │ c");
});

it("fails when one process fails, and does not wait for the others, or for what they leave", async () => {
  const leave = 'import fs from "node:fs"; fs.writeFileSync(process.env.IPC_DIRECTORY + "/its.sock", "")';
  const staying = "setInterval(() => {}, 1000)";
  const failing = `${leave}; process.exit(3)`;
  const three = await programs({ server: staying, first: staying, second: failing });
  await expect(runProcesses(three)).rejects.toThrow(/second\.mjs ended with 3/);
});

it("fails when a file is left behind", async () => {
  const leave = 'import fs from "node:fs"; fs.writeFileSync(process.env.IPC_DIRECTORY + "/left.sock", "")';
  await expect(runProcesses(await programs({ server: leave }))).rejects.toMatchObject({ code: "ENOTEMPTY" });
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith("ipc-example-")) continue;
    const files = await readdir(join(tmpdir(), name)).catch((): string[] => []);
    if (files.includes("left.sock")) await rm(join(tmpdir(), name), { recursive: true });
  }
});
