import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runTwoProcesses, type TwoProcesses } from "./two-processes.js";

let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "ipc-two-processes-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function programs(server: string, client: string): Promise<TwoProcesses> {
  await writeFile(join(directory, "server.mjs"), server);
  await writeFile(join(directory, "client.mjs"), client);
  const at = (file: string): URL => pathToFileURL(join(directory, file));
  return { server: at("server.mjs"), client: at("client.mjs") };
}

it("fails when one process fails, and does not wait for the other", async () => {
  const two = await programs("setInterval(() => {}, 1000)", "process.exit(3)");
  await expect(runTwoProcesses(two)).rejects.toThrow(/client\.mjs ended with 3/);
});

it("fails when a file is left behind", async () => {
  const leave = 'import fs from "node:fs"; fs.writeFileSync(process.env.IPC_DIRECTORY + "/left.sock", "")';
  await expect(runTwoProcesses(await programs(leave, ""))).rejects.toMatchObject({ code: "ENOTEMPTY" });
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith("ipc-example-")) continue;
    const files = await readdir(join(tmpdir(), name)).catch((): string[] => []);
    if (files.includes("left.sock")) await rm(join(tmpdir(), name), { recursive: true });
  }
});
