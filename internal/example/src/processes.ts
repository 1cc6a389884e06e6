import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Staging {
  /** The first program runs throughout, each of the others when the one before it has ended. @default all start together */
  readonly inTurn?: boolean;
  /** The mode of the directory for socket files: it decides which users can reach them. @default 0o700 */
  readonly directoryMode?: number;
}

/**
 * Runs programs as processes of their own and prints what each says behind its name. Resolves when all have ended by
 * themselves.
 * @param programs by name, such as `server` and `client`
 * @throws Error when one fails (the others are then ended too), or leaves a socket file behind
 */
export async function runProcesses(programs: Readonly<Record<string, URL>>, staging: Staging = {}): Promise<void> {
  const { inTurn = false, directoryMode = 0o700 } = staging;
  const directory = await mkdtemp(join(tmpdir(), "ipc-example-"));
  await chmod(directory, directoryMode);
  const width = Math.max(...Object.keys(programs).map((name) => name.length));
  const stage = new AbortController();
  const runs = Object.entries(programs).map(
    ([name, program]) =>
      (): Promise<void> =>
        succeeded(start(name.padEnd(width), program, directory, stage.signal)),
  );
  try {
    await (inTurn ? runInTurn(runs) : Promise.all(runs.map((run) => run())));
  } catch (error) {
    stage.abort();
    await rm(directory, { recursive: true });
    throw error;
  }
  // Fails when a file was left behind: a socket file outlived its server.
  await rmdir(directory);
}

async function runInTurn([first, ...others]: readonly (() => Promise<void>)[]): Promise<void> {
  const runOthers = async (): Promise<void> => {
    for (const run of others) await run();
  };
  await Promise.all([first?.(), runOthers()]);
}

/** @param signal kills it, and starts nothing any more */
function start(name: string, program: URL, directory: string, signal: AbortSignal): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(program)], {
    env: { ...process.env, IPC_DIRECTORY: directory },
    stdio: ["ignore", "pipe", "inherit"],
    signal,
  });
  createInterface({ input: child.stdout }).on("line", (line) => console.log(`${name} │ ${line}`));
  return child;
}

async function succeeded(child: ChildProcess): Promise<void> {
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  if (code !== 0) throw new Error(`${child.spawnargs.at(-1)} ended with ${signal ?? code}`);
}
