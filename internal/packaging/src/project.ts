import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import manifest from "../../../package.json" with { type: "json" };
import { packAll } from "../../../scripts/release-copy.mjs";
import { nameOf, ROOT } from "./tarball.js";

const CONSUMERS = join(ROOT, "internal", "packaging", "consumers");
/** Stops a tool that hangs. */
const TIMEOUT_MS = 300_000;
/** A tool may print a whole bundle. */
const SHOWN_CHARACTERS = 4_000;

/** A user's project with the packed packages, outside the workspace. It is gone after its tests. */
export class Project implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Makes a project of the files in `consumers/<name>`.
   * @param tools the folder of installed tools, in which it is, so that it finds them
   */
  static async make(name: string, tools = tmpdir()): Promise<Project> {
    const project = new Project(await mkdtemp(join(tools, "project-")));
    try {
      await project.take(name, ".");
    } catch (error) {
      await project[Symbol.asyncDispose]();
      throw error;
    }
    return project;
  }

  /**
   * Installs the packages that are named, with pnpm, or with npm and no network: what cannot come from the tarballs is missing then.
   * @param more in the manifest: other dependencies, the type of the modules
   * @param packed the folder that has the tarballs of all packages; undefined: they are packed now
   */
  async install(
    client: "npm" | "pnpm",
    names: readonly string[],
    more: { readonly dependencies?: Readonly<Record<string, string>>; readonly type?: "module" } = {},
    packed?: string,
  ): Promise<void> {
    const tarballs = packed ?? (await mkdtemp(join(this.folder, "tarballs-")));
    if (packed === undefined) await packAll(tarballs);
    const files = (await readdir(tarballs)).map((file) => [nameOf(file), `file:${join(tarballs, file)}`]);
    const all = Object.fromEntries(files);
    const dependencies = {
      ...Object.fromEntries(files.filter(([name = ""]) => names.includes(name))),
      ...more.dependencies,
    };
    await this.write("package.json", {
      private: true,
      ...more,
      dependencies,
      overrides: all,
      pnpm: { overrides: all },
    });
    if (client === "npm") await this.run("npm", "install", "--offline", "--no-audit", "--no-fund");
    else await this.run("npx", "--yes", manifest.packageManager, "install", "--prefer-offline", "--ignore-workspace");
  }

  async write(path: string, content: unknown): Promise<void> {
    await writeFile(join(this.folder, path), typeof content === "string" ? content : JSON.stringify(content));
  }

  /** Copies a file or folder of `consumers/` into the project. */
  async take(from: string, to: string): Promise<void> {
    await cp(join(CONSUMERS, from), join(this.folder, to), { recursive: true });
  }

  async copy(from: string, to: string): Promise<void> {
    await cp(join(this.folder, from), join(this.folder, to));
  }

  /** Runs a command in the project and returns what it prints. @throws Error with the end of its output, when it fails */
  async run(command: string, ...args: string[]): Promise<string> {
    const options = { cwd: this.folder, timeout: TIMEOUT_MS, all: true, reject: false } as const;
    const { stdout, all, failed, shortMessage } = await execa(command, args, { ...options, stdin: "ignore" });
    if (failed) throw new Error(`${shortMessage}\n${all.slice(-SHOWN_CHARACTERS)}`);
    return stdout;
  }

  /** Runs a program with this Node.js. */
  async node(...args: string[]): Promise<string> {
    return this.run(process.execPath, ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
