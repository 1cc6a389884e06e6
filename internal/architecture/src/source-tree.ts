import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** The top folder of the workspace. */
export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

const NOT_OURS = new Set(["node_modules", "dist", "coverage", "reports"]);
/** Changesets become the changelog, templates a form. Every other name with a leading dot belongs to a tool. */
const OURS_WITH_DOT = new Set([".changeset", ".ci", ".github"]);

/** Lists the folders directly below `folder`, given and returned relative to the top: `packages` → `framing`, … */
export function foldersIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** Lists every file below `folder` whose path ends in one of `endings`, relative to the top, with `/`, sorted. */
export function filesUnder(folder: string, endings: readonly string[]): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => OURS_WITH_DOT.has(name) || !(name.startsWith(".") || NOT_OURS.has(name)))
    .flatMap((entry) => {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) return filesUnder(path, endings);
      return endings.some((ending) => path.endsWith(ending)) ? [path] : [];
    })
    .sort();
}

/** Tells whether there is a file, named relative to the top. */
export function isFile(path: string): boolean {
  return existsSync(join(ROOT, path));
}

/** Reads a text file, named relative to the top. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

interface EntryFiles {
  readonly types: string;
  readonly default: string;
}

/** The part of a package.json that these tests read. */
export interface Manifest {
  readonly name: string;
  readonly description: string;
  readonly private?: boolean;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
  readonly main?: string;
  readonly bin?: Readonly<Record<string, string>>;
  readonly types?: string;
  readonly files?: readonly string[];
  readonly exports?: Readonly<Record<string, string | Readonly<Record<"module" | "import" | "require", EntryFiles>>>>;
}

/** Reads the package.json of a folder such as `packages/framing`. */
export function readManifest(folder: string): Manifest {
  return JSON.parse(readText(`${folder}/package.json`));
}

/** Tells whether a package is a command: it has programs and nothing to import. */
export function isCommand(name: string): boolean {
  return readManifest(`packages/${name}`).bin !== undefined;
}

/**
 * Lists the source files that a package's `exports` name, relative to its `src`: `index.ts`, `handshake/index.ts`, …; those of its
 * programs for a command.
 */
export function entryPointsOf(name: string): string[] {
  const { bin, exports = {} } = readManifest(`packages/${name}`);
  if (bin !== undefined) return Object.values(bin).map((file) => file.replace(/^\.\/dist\/(.*)\.js$/, "$1.ts"));
  const targets = Object.values(exports);
  return targets.flatMap((target) =>
    typeof target === "string" ? [] : [target.require.types.replace(/^\.\/dist\//, "").replace(/\.d\.ts$/, ".ts")],
  );
}
