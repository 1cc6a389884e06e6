import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "../src/project.js";
import { installTools } from "./tools.js";

const TOOLS = {
  "@rollup/plugin-commonjs": "29.0.3",
  "@rollup/plugin-node-resolve": "16.0.3",
  "@types/node": "20.19.43",
  esbuild: "0.28.2",
  eslint: "9.9.1",
  "eslint-plugin-import": "2.32.0",
  "jest-29": "npm:jest@29.7.0",
  "jest-30": "npm:jest@30.5.2",
  rollup: "4.68.8",
  "ts-node": "10.9.2",
  tsx: "4.23.15",
  typescript: "5.9.3",
  vite: "7.3.8",
  vitest: "4.1.12",
  webpack: "5.113.0",
  "webpack-cli": "7.3.1",
};
const PACKAGES = [
  "client",
  "crypto",
  "framing",
  "manager",
  "rpc",
  "server",
  "session",
  "transport",
  "transport-nats",
].map((name) => `@ipc/${name}`);

let tools: string;
let project: Project;

beforeAll(async () => {
  tools = await installTools(TOOLS);
  project = await Project.make("tools", tools);
  await project.install("npm", PACKAGES);
});

afterAll(() => project?.[Symbol.asyncDispose]());

/** A program of an installed tool, by its path in node_modules. */
const bin = (path: string): string => join(tools, "node_modules", path);

describe("a test runs in", () => {
  test.each(["jest-29", "jest-30"])("%s with its defaults", async (jest) => {
    await project.node(bin(`${jest}/bin/jest.js`), "--rootDir", ".", "jest.test.js");
  });

  test.each(["jest-29", "jest-30"])("%s as an ESM module", async (jest) => {
    const args = [bin(`${jest}/bin/jest.js`), "--rootDir", ".", "--testMatch", "**/jest-esm.test.mjs"];
    await project.node("--experimental-vm-modules", "--no-warnings", ...args);
  });

  test("Vitest", async () => {
    await project.node(bin("vitest/vitest.mjs"), "run", "vitest.test.ts");
  });
});

describe("a TypeScript program runs with", () => {
  test("tsx", async () => {
    expect(await project.node(bin("tsx/dist/cli.mjs"), "main.ts")).toBe("got hello");
  });

  test("ts-node, to CommonJS and with the resolution node10", async () => {
    expect(await project.node(bin("ts-node/dist/bin.js"), "main.ts")).toBe("got hello");
  });
});

describe("a program is bundled by", () => {
  test.each([
    ["esbuild", "esm", "main.mjs", "mjs"],
    ["esbuild", "cjs", "main.mjs", "cjs"],
    ["esbuild", "esm", "main.cjs", "mjs"],
    ["esbuild", "cjs", "main.cjs", "cjs"],
  ])("%s to %s from %s", async (_, format, entry, ending) => {
    const outfile = `out/esbuild-${format}-${entry}.${ending}`;
    const options = ["--bundle", "--platform=node", `--format=${format}`, `--outfile=${outfile}`];
    await project.run(bin("esbuild/bin/esbuild"), entry, ...options);
    expect(await project.node(outfile)).toBe("got hello");
  });

  test.each([
    ["es", "mjs"],
    ["cjs", "cjs"],
  ])("rollup to %s", async (format, ending) => {
    const file = `out/rollup.${ending}`;
    await project.node(
      bin("rollup/dist/bin/rollup"),
      ...["main.mjs", "--format", format, "--file", file, "--plugin", "node-resolve", "--failAfterWarnings"],
    );
    expect(await project.node(file)).toBe("got hello");
  });

  test("rollup from CommonJS", async () => {
    const plugins = ["--plugin", "node-resolve={preferBuiltins:true}", "--plugin", "commonjs"];
    await project.node(bin("rollup/dist/bin/rollup"), "main.cjs", "--file", "out/rollup-commonjs.mjs", ...plugins);
    expect(await project.node("out/rollup-commonjs.mjs")).toBe("got hello");
  });

  test.each(["main.mjs", "main.cjs"])("webpack from %s", async (entry) => {
    const folder = `out/webpack-${entry}`;
    const options = ["--target", "node20", "--mode", "production", "--output-path", folder];
    await project.node(bin("webpack-cli/bin/cli.js"), "build", "--entry", `./${entry}`, ...options);
    expect(await project.node(`${folder}/main.js`)).toBe("got hello");
  });

  test.each([
    ["leaves the packages outside", {}],
    ["takes the packages in", { noExternal: true }],
  ])("Vite for SSR, which %s", async (title, ssr) => {
    const outDir = `out/vite-${title.split(" ")[0]}`;
    await project.write(
      "vite.config.mjs",
      `export default ${JSON.stringify({ ssr, build: { ssr: "main.mjs", outDir } })};`,
    );
    await project.node(bin("vite/bin/vite.js"), "build");
    expect(await project.node(`${outDir}/main.mjs`)).toBe("got hello");
  });
});

test("ESLint's default import resolver finds every entry point and its names", async () => {
  await project.node(bin("eslint/bin/eslint.js"), "--max-warnings", "0", "imports.mjs");
});
