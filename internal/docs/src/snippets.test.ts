import { afterAll, describe, expect, test } from "vitest";
import { type Program, startProgram } from "../../testkit/src/child-process.js";
import { clientOf, listSnippets, titleOf } from "./snippet.js";
import { SnippetProject } from "./snippet-project.js";

const snippets = listSnippets();
const project = await SnippetProject.make(snippets);
const complaints = await project.compile();

afterAll(() => project[Symbol.asyncDispose]());

/** A key file stays when its server ends: here it lies in the project, and goes with it. */
function start(file: string): Program {
  const env = { ...process.env, XDG_RUNTIME_DIR: project.folder };
  return startProgram(process.execPath, [file], { cwd: project.folder, env });
}

test("every snippet compiles", () => {
  expect(complaints).toBe("");
});

describe("snippets by themselves", () => {
  const alone = snippets.filter(({ role }) => role === "run");

  test.each(alone.map((snippet) => [titleOf(snippet.fence), snippet] as const))("%s runs", async (_title, snippet) => {
    const { stdout, ...rest } = await start(project.programOf(snippet)).outcome;
    expect(rest).toEqual({ code: 0, stderr: "" });
    if (snippet.prints !== undefined) expect(stdout).toBe(snippet.prints);
  });
});

describe("snippets of two processes", () => {
  const servers = snippets.filter(({ role }) => role === "server");

  test.each(servers.map((server) => [titleOf(server.fence), server] as const))("%s serves", async (_title, server) => {
    const client = clientOf(server, snippets);
    const serving = start(project.programOf(server));
    const { stdout, ...rest } = await start(project.programOf(client)).outcome;
    expect(rest).toEqual({ code: 0, stderr: "" });
    if (client.prints !== undefined) expect(stdout).toBe(client.prints);
    serving.child.kill();
    expect(await serving.outcome).toMatchObject({ stderr: "" });
  });
});
