import { afterAll, describe, expect, test } from "vitest";
import { Program } from "./program.js";
import { clientOf, listSnippets, titleOf } from "./snippet.js";
import { SnippetProject } from "./snippet-project.js";

const snippets = listSnippets();
const project = await SnippetProject.make(snippets);
const complaints = await project.compile();

afterAll(() => project[Symbol.asyncDispose]());

/** A key file stays when its server ends: here it lies in the project, and goes with it. */
function start(file: string): Program {
  const env = { ...process.env, XDG_RUNTIME_DIR: project.folder };
  return new Program(process.execPath, [file], { cwd: project.folder, env });
}

test("every snippet compiles", () => {
  expect(complaints).toBe("");
});

describe("snippets by themselves", () => {
  const alone = snippets.filter(({ role }) => role === "run");

  test.each(alone.map((snippet) => [titleOf(snippet.fence), snippet] as const))("%s runs", async (_title, snippet) => {
    await using program = start(project.programOf(snippet));
    const { stdout, ...rest } = await program.outcome;
    expect(rest).toEqual({ exitCode: 0, stderr: "" });
    if (snippet.prints !== undefined) expect(stdout).toBe(snippet.prints);
  });
});

describe("snippets of two processes", () => {
  const servers = snippets.filter(({ role }) => role === "server");

  test.each(servers.map((server) => [titleOf(server.fence), server] as const))("%s serves", async (_title, server) => {
    const client = clientOf(server, snippets);
    await using serving = start(project.programOf(server));
    await using asking = start(project.programOf(client));
    const { stdout, ...rest } = await asking.outcome;
    expect(rest).toEqual({ exitCode: 0, stderr: "" });
    if (client.prints !== undefined) expect(stdout).toBe(client.prints);
    await serving[Symbol.asyncDispose]();
    expect(await serving.outcome).toMatchObject({ stderr: "" });
  });
});
