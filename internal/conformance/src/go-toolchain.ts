import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { access, mkdir, readdir, readFile, rename } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A go-peer that is ready to run, or why there is none on this machine. */
export type GoPeerProgram = { readonly path: string } | { readonly missing: string };

const SOURCES = fileURLToPath(new URL("../go-peer/", import.meta.url));
const CACHE = fileURLToPath(new URL("../node_modules/.cache/go-peer/", import.meta.url));
const run = promisify(execFile);

/**
 * Builds go-peer, once for each state of its sources and of the toolchain.
 *
 * Without Go, or without its modules, that is a reason to skip tests; under CI it is thrown.
 * @throws Error when the sources do not compile
 */
export async function buildGoPeer(): Promise<GoPeerProgram> {
  const { CI } = process.env;
  const built = await tryBuild();
  if ("missing" in built && CI !== undefined) throw new Error(built.missing);
  return built;
}

async function tryBuild(): Promise<GoPeerProgram> {
  let version: string;
  try {
    version = (await run("go", ["version"])).stdout;
  } catch (error) {
    return { missing: `no Go toolchain: ${firstLine(error)}` };
  }
  const path = `${CACHE}${await fingerprint(version)}`;
  if (await exists(path)) return { path };

  try {
    await run("go", ["mod", "download"], { cwd: SOURCES });
  } catch (error) {
    return { missing: `the Go modules of go-peer cannot be had: ${firstLine(error)}` };
  }
  await mkdir(CACHE, { recursive: true });
  // Test processes build at the same time: each its own file, and the last rename wins with the same bytes.
  const unfinished = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  await run("go", ["build", "-trimpath", "-buildvcs=false", "-o", unfinished, "."], { cwd: SOURCES });
  await rename(unfinished, path);
  return { path };
}

async function fingerprint(version: string): Promise<string> {
  const hash = createHash("sha256").update(version);
  for (const file of (await readdir(SOURCES)).sort()) {
    hash.update(`${file}\n`).update(await readFile(`${SOURCES}${file}`));
  }
  return hash.digest("hex").slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The error's own words: of a command that failed, the first line it wrote to stderr. */
function firstLine(error: unknown): string {
  const { stderr, message } = error as { readonly stderr?: string; readonly message: string };
  return (stderr || message).trim().split("\n")[0] ?? message;
}
