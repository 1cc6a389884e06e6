import { execFile } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { readText } from "../../architecture/src/source-tree.js";
import { buildGoPeer } from "../../conformance/src/go-toolchain.js";
import { startProgram } from "../../testkit/src/child-process.js";
import { readDocument } from "./document.js";
import { listSnippets, printsOf } from "./snippet.js";
import { SnippetProject } from "./snippet-project.js";

/** Names the version of golang-ipc, and where its sums are kept. */
const GO_PEER = fileURLToPath(new URL("../../conformance/go-peer/", import.meta.url));

/** Documents with a Go program, and the document whose first snippet is the server that it connects to. */
const SCENES = [
  { document: "docs/GUIDE.md", serverOf: "README.md" },
  { document: "docs/GO-CALLS.md", serverOf: "docs/GO-CALLS.md" },
];

const go = await buildGoPeer();
const why = "missing" in go ? ` (skipped: ${go.missing})` : "";
const projects: SnippetProject[] = [];
afterAll(() => Promise.all(projects.map((project) => project[Symbol.asyncDispose]())));
// Before the tests, because a linker takes as long as the machine lets it.
const scenes = "missing" in go ? [] : await Promise.all(SCENES.map(prepare));

/** Compiles the Go fences of a document, as one program, and its server. */
async function prepare({ document, serverOf }: (typeof SCENES)[number]) {
  const server = listSnippets().find(({ fence }) => fence.document === serverOf);
  if (server === undefined) throw new Error(`${serverOf} has no server`);
  const project = await SnippetProject.make([server]);
  projects.push(project);
  if (server.file.endsWith(".mts")) await project.compile();
  const folder = join(project.folder, "go");
  await mkdir(folder);
  for (const file of ["go.mod", "go.sum"]) await cp(join(GO_PEER, file), join(folder, file));
  const { fences } = readDocument(document);
  const files = fences.filter(({ words }) => words[0] === "go");
  for (const { code, line } of files) await writeFile(join(folder, `line-${line}.go`), project.rename(code));
  await promisify(execFile)("go", ["build", "-trimpath", "-buildvcs=false", "-o", "client", "."], { cwd: folder });
  const prints = printsOf(fences[fences.findLastIndex(({ words }) => words[0] === "go") + 1]);
  return { document, project, server: project.programOf(server), client: join(folder, "client"), prints };
}

describe.skipIf("missing" in go)(`the Go program${why} of`, () => {
  test.each(scenes)("$document gets its answers from the server", async ({ project, server, client, prints }) => {
    startProgram(process.execPath, [server], { cwd: project.folder });
    const asking = startProgram(client, [], { cwd: project.folder });
    expect(await asking.outcome).toEqual({ code: 0, stderr: "", stdout: prints });
  });
});

test("docs/GO-CALLS.md shows the file that the tests run against our ends", () => {
  const shown = readDocument("docs/GO-CALLS.md").fences.find(({ words }) => words[0] === "go");
  expect(shown?.code).toBe(readText("internal/conformance/go-peer/rpc.go"));
});
