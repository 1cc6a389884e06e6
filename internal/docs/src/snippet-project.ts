import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ROOT } from "../../architecture/src/source-tree.js";
import type { Snippet } from "./snippet.js";

const run = promisify(execFile);

/** The options of a user who wants every check. */
const COMPILER_OPTIONS = {
  target: "es2023",
  lib: ["es2023"],
  module: "nodenext",
  types: ["node"],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noUnusedLocals: true,
  skipLibCheck: false,
  allowJs: true,
  checkJs: true,
  rootDir: "src",
  outDir: "out",
};

/** In the place of the package, whose own declarations do not compile with these options; transport-nats tests those. */
const NATS_PACKAGE = `import type { NatsConnectionLike } from "@ipc/transport-nats";
interface Options {
  servers: string | string[];
  maxReconnectAttempts?: number;
  reconnectTimeWait?: number;
  pingInterval?: number;
}
export declare function connect(options: Options): Promise<NatsConnectionLike>;
`;

/** A project of a user, outside the workspace, with the packages installed: each snippet is a module of its own. */
export class SnippetProject implements AsyncDisposable {
  readonly folder: string;
  /** Stands in for the name `orders`: several runs of these tests share one machine, and one /tmp. */
  readonly name: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.name = `orders${folder.slice(folder.lastIndexOf("-"))}`;
  }

  static async make(snippets: readonly Snippet[]): Promise<SnippetProject> {
    const project = new SnippetProject(await mkdtemp(join(tmpdir(), "ipc-docs-")));
    const modules = join(project.folder, "node_modules");
    for (const scope of ["@ipc", "@types"]) await mkdir(join(modules, scope), { recursive: true });
    for (const name of await readdir(join(ROOT, "packages"))) {
      await symlink(join(ROOT, "packages", name), join(modules, "@ipc", name), "junction");
    }
    await symlink(join(ROOT, "node_modules", "@types", "node"), join(modules, "@types", "node"), "junction");
    await mkdir(join(modules, "@nats-io", "transport-node"), { recursive: true });
    await writeFile(join(modules, "@nats-io", "transport-node", "index.d.ts"), NATS_PACKAGE);
    await writeFile(join(modules, "@nats-io", "transport-node", "package.json"), '{ "types": "index.d.ts" }');

    await mkdir(join(project.folder, "src"));
    for (const { file, fence } of snippets) {
      await writeFile(join(project.folder, "src", file), project.rename(fence.code));
    }
    await project.#write("package.json", { private: true, type: "module" });
    await project.#write("tsconfig.json", { compilerOptions: COMPILER_OPTIONS, include: ["src"] });
    return project;
  }

  /** Puts this project's name into a snippet. */
  rename(code: string): string {
    return code.replaceAll('"orders"', `"${this.name}"`);
  }

  /** Compiles every snippet, and returns what the compiler says: nothing, when all is well. */
  async compile(): Promise<string> {
    const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    try {
      await run(process.execPath, [compiler, "-p", "."], { cwd: this.folder });
      return "";
    } catch (error) {
      return (error as { readonly stdout: string }).stdout;
    }
  }

  /** The file that Node runs: plain JavaScript as it stands in the document. */
  programOf({ file }: Snippet): string {
    return file.endsWith(".mts")
      ? join(this.folder, "out", file.replace(/mts$/, "mjs"))
      : join(this.folder, "src", file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
    // The files that a killed server leaves, at each of its endpoints.
    const left = (await readdir("/tmp")).filter((file) => file.startsWith(this.name) && file.endsWith(".sock"));
    for (const file of left) await rm(join("/tmp", file), { force: true });
  }

  async #write(file: string, content: unknown): Promise<void> {
    await writeFile(join(this.folder, file), JSON.stringify(content));
  }
}
