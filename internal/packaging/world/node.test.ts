import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Project } from "../src/project.js";
import { installTools } from "./tools.js";

const VERSIONS = ["20.19.0", "22.23.3", "24.21.0", "26.10.0"];
const PACKAGE = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;

let tools: string;
let project: Project;

beforeAll(async () => {
  tools = await installTools(
    Object.fromEntries(VERSIONS.map((version) => [`node-${version}`, `npm:${PACKAGE}@${version}`])),
  );
  project = await Project.make("tools", tools);
  await project.install("npm", ["@ipc/client", "@ipc/rpc", "@ipc/server"]);
});

afterAll(() => project?.[Symbol.asyncDispose]());

describe.each(VERSIONS)("on Node.js %s", (version) => {
  const node = (...args: string[]): Promise<string> =>
    project.run(join(tools, "node_modules", `node-${version}`, "bin", "node"), ...args);

  test.each([
    ["imported", "main.mjs"],
    ["required", "main.cjs"],
  ])("the packages can be %s", async (_, program) => {
    expect(await node("--version")).toBe(`v${version}`);
    expect(await node("--throw-deprecation", program)).toBe("got hello");
  });

  test("they are tested by node --test", async () => {
    await node("--test", "node.test.mjs");
  });
});
