import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/**
 * Runs programs as processes of their own, started together, and prints what each says behind its name. Resolves when all
 * have ended by themselves.
 * @param programs by name, such as `server` and `client`
 * @throws Error when one fails (the others are then ended too), or leaves a socket file behind
 */
export async function runProcesses(programs: Readonly<Record<string, URL>>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "ipc-example-"));
  const width = Math.max(...Object.keys(programs).map((name) => name.length));
  const children = Object.entries(programs).map(([name, program]) => start(name.padEnd(width), program, directory));
  try {
    await Promise.all(children.map(succeeded));
  } catch (error) {
    for (const child of children) child.kill();
    await rm(directory, { recursive: true });
    throw error;
  }
  // Fails when a file was left behind: a socket file outlived its server.
  await rmdir(directory);
}

function start(name: string, program: URL, directory: string): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(program)], {
    env: { ...process.env, IPC_DIRECTORY: directory },
    stdio: ["ignore", "pipe", "inherit"],
  });
  createInterface({ input: child.stdout }).on("line", (line) => console.log(`${name} │ ${line}`));
  return child;
}

async function succeeded(child: ChildProcess): Promise<void> {
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (code !== 0) throw new Error(`${child.spawnargs.at(-1)} ended with ${signal ?? code}`);
}
