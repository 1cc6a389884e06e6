import { cp, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { findTarball, ROOT } from "./tarball.js";

/** A project of a user: one of the folders in `consumers/`, and the tarballs that its installation may take. */
export interface Consumer {
  readonly name: string;
  readonly uses: string;
  readonly dependencies: readonly string[];
  /** Ambient types that its author has installed. */
  readonly types: readonly "node"[];
}

/**
 * Sets a consumer up in `folder`, outside the workspace, and installs it without a network: what cannot come from the
 * tarballs is missing.
 */
export async function installConsumer(consumer: Consumer, folder: string, tarballs: string): Promise<void> {
  await cp(join(ROOT, "internal", "packaging", "consumers", consumer.name), folder, { recursive: true });
  const source = async (name: string): Promise<[string, string]> => [
    `@ipc/${name}`,
    `file:${await findTarball(tarballs, name)}`,
  ];
  const manifest = {
    private: true,
    type: "module",
    dependencies: Object.fromEntries([await source(consumer.uses)]),
    overrides: Object.fromEntries(await Promise.all(consumer.dependencies.map(source))),
  };
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  await execa("npm", ["install", "--offline", "--no-audit", "--no-fund"], { cwd: folder });

  for (const types of consumer.types) {
    await mkdir(join(folder, "node_modules", "@types"), { recursive: true });
    await symlink(
      join(ROOT, "node_modules", "@types", types),
      join(folder, "node_modules", "@types", types),
      "junction",
    );
  }
}

/** Lists what an installation brought of ours, by folder name. */
export async function listInstalled(folder: string): Promise<string[]> {
  return (await readdir(join(folder, "node_modules", "@ipc"))).sort();
}

/** Compiles a consumer with the compiler of the workspace. @throws when anything, also in our declarations, is wrong. */
export async function compileConsumer(consumer: Consumer, folder: string, moduleResolution: string): Promise<void> {
  const module = moduleResolution === "bundler" ? "esnext" : moduleResolution;
  const compilerOptions = {
    target: "es2023",
    lib: ["es2023"],
    types: consumer.types,
    module,
    moduleResolution,
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  };
  const project = join(folder, `tsconfig.${moduleResolution}.json`);
  await writeFile(project, JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
  await execa("tsc", ["-p", project], { cwd: folder, preferLocal: true, localDir: ROOT });
}

/** Runs the consumer that is plain JavaScript. */
export async function runConsumer(folder: string): Promise<void> {
  await execa(process.execPath, ["consumer.mjs"], { cwd: folder });
}
