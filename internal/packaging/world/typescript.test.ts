import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "../src/project.js";
import { installTools } from "./tools.js";

const VERSIONS = ["5.4.5", "5.5.4", "5.6.3", "5.7.3", "5.8.3", "5.9.3", "6.0.3", "7.0.2"];
/** TypeScript 6 warns of it, and 7 does not have it. */
const HAS_NODE10 = /^5/;

let tools: string;
let project: Project;

beforeAll(async () => {
  tools = await installTools(
    Object.fromEntries(VERSIONS.map((version) => [`ts-${version}`, `npm:typescript@${version}`])),
  );
  project = await Project.make("types");
  // The links of pnpm, by which a package reaches only what its own manifest names.
  await project.install("pnpm", ["@ipc/client", "@ipc/manager", "@ipc/rpc", "@ipc/server", "@ipc/transport-nats"], {
    dependencies: { "@types/node": "20.19.43" },
  });
  for (const ending of ["mts", "cts"]) await project.copy("inferred.ts", `inferred.${ending}`);
});

afterAll(() => project?.[Symbol.asyncDispose]());

describe.each(VERSIONS)("TypeScript %s", (version) => {
  /** Compiles with every check, also of our declarations, and returns what the compiler says. */
  async function compile(moduleResolution: string, module: string, files: readonly string[]): Promise<string> {
    const compilerOptions = {
      target: "es2022",
      lib: ["es2022"],
      types: ["node"],
      module,
      moduleResolution,
      strict: true,
      declaration: true,
      skipLibCheck: false,
      rootDir: ".",
      outDir: `out-${version}-${moduleResolution}`,
    };
    const config = `tsconfig.${version}.${moduleResolution}.json`;
    await project.write(config, { compilerOptions, files });
    const program = join(tools, "node_modules", `ts-${version}`, "bin", "tsc");
    return project.node(program, "-p", config).catch((error) => error.message);
  }

  test.each(["node16", "nodenext"])("compiles ESM and CommonJS of one project with %s", async (resolution) => {
    const files = ["mixed.mts", "legacy.cts", "inferred.mts", "inferred.cts"];
    expect(await compile(resolution, resolution, files)).toBe("");
  });

  test("compiles with the resolution of a bundler", async () => {
    expect(await compile("bundler", "esnext", ["inferred.ts"])).toBe("");
  });

  test.runIf(HAS_NODE10.test(version))("compiles with node10", async () => {
    expect(await compile("node10", "commonjs", ["inferred.ts"])).toBe("");
  });
});
