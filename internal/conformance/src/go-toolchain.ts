import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { access, mkdir, readdir, readFile, rename } from "node:fs/promises";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A program that is ready to run, or why there is none on this machine. */
export type GoProgram = { readonly path: string } | { readonly missing: string };

const SOURCES = fileURLToPath(new URL("../go-peer/", import.meta.url));
const CACHE = fileURLToPath(new URL("../node_modules/.cache/go-peer/", import.meta.url));
const TOOLS = fileURLToPath(new URL("../node_modules/.cache/go-tools/", import.meta.url));
const run = promisify(execFile);

/**
 * Builds go-peer, once for each state of its sources and of the toolchain.
 *
 * Without Go, or without its modules, that is a reason to skip tests; under CI it is thrown.
 * @throws Error when the sources do not compile
 */
export async function buildGoPeer(): Promise<GoProgram> {
  return neededUnderCi(await tryBuild());
}

/**
 * Builds a program of a module, once for each version of both, such as `github.com/rhysd/actionlint/cmd/actionlint` of v1.7.12.
 * Without Go, or without the module, that is a reason to skip tests; under CI it is thrown.
 */
export async function installGoTool(program: string, version: string): Promise<GoProgram> {
  return neededUnderCi(await tryInstall(program, version));
}

async function tryInstall(program: string, version: string): Promise<GoProgram> {
  try {
    const { stdout } = await run("go", ["env", "GOVERSION"]);
    // Go names a program after its path without the suffix of its major version.
    const name = posix.basename(program.replace(/\/v\d+$/, ""));
    const folder = `${TOOLS}${name}-${version}-${stdout.trim()}`;
    const path = join(folder, name);
    if (await exists(path)) return { path };
    await run("go", ["install", "-trimpath", `${program}@${version}`], { env: { ...process.env, GOBIN: folder } });
    return { path };
  } catch (error) {
    return { missing: `no ${program}: ${firstLine(error)}` };
  }
}

function neededUnderCi(program: GoProgram): GoProgram {
  if ("missing" in program && process.env["CI"] !== undefined) throw new Error(program.missing);
  return program;
}

async function tryBuild(): Promise<GoProgram> {
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
