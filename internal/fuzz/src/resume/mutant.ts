import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Packages } from "./resume-host.js";

const PACKAGES = fileURLToPath(new URL("../../../../packages/", import.meta.url));
const NAMES = ["framing", "crypto", "transport", "session", "client", "server", "manager"] as const;

/** A rule that is taken out of a package, or a limit: a piece of its bundle, which occurs once, and another one in its place. */
export interface Mutation {
  readonly package: (typeof NAMES)[number];
  readonly code: string;
  readonly instead: string;
}

/**
 * Loads copies of the packages with these mutations; the packages themselves stay as they are.
 * @throws Error when the code is not in the bundle, or more than once
 */
export async function loadMutant(...mutations: readonly Mutation[]): Promise<Packages> {
  const directory = await mkdtemp(join(tmpdir(), "ipc-mutant-"));
  try {
    const scope = join(directory, "node_modules", "@ipc");
    await mkdir(scope, { recursive: true });
    for (const name of NAMES)
      await cp(join(PACKAGES, name), join(scope, name), { recursive: true, filter: isPublished });
    for (const { package: mutated, code, instead } of mutations) {
      const bundle = join(scope, mutated, "dist", "bundle.js");
      const parts = (await readFile(bundle, "utf8")).split(code);
      if (parts.length !== 2) throw new Error(`the bundle of ${mutated} has ${parts.length - 1} times: ${code}`);
      await writeFile(bundle, parts.join(instead));
    }
    const load = createRequire(join(directory, "index.js"));
    const { startServerManager } = load("@ipc/manager");
    return {
      startClient: load("@ipc/client").startClient,
      startServer: load("@ipc/server").startServer,
      startServerManager,
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

function isPublished(path: string): boolean {
  const [, ...folders] = path.slice(PACKAGES.length).split(sep);
  return !["src", "test", "node_modules"].includes(folders[0] ?? "");
}
