import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface TwoProcesses {
  readonly server: URL;
  readonly client: URL;
}

/**
 * Runs a server and a client as processes of their own, started together, and prints what each says behind its name.
 * Resolves when both have ended by themselves.
 * @throws Error when one fails (the other is then ended too), or leaves a socket file behind
 */
export async function runTwoProcesses(programs: TwoProcesses): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "ipc-example-"));
  const children = [start("server", programs.server, directory), start("client", programs.client, directory)];
  try {
    await Promise.all(children.map(succeeded));
  } finally {
    for (const child of children) child.kill();
    // Fails when a file was left behind: a socket file outlived its server.
    await rmdir(directory);
  }
}

function start(role: string, program: URL, directory: string): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(program)], {
    env: { ...process.env, IPC_DIRECTORY: directory },
    stdio: ["ignore", "pipe", "inherit"],
  });
  createInterface({ input: child.stdout }).on("line", (line) => console.log(`${role} │ ${line}`));
  return child;
}

async function succeeded(child: ChildProcess): Promise<void> {
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (code !== 0) throw new Error(`${child.spawnargs.at(-1)} ended with ${signal ?? code}`);
}
