import { execFile } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { buildGoPeer } from "../../conformance/src/go-toolchain.js";
import { startProgram } from "../../testkit/src/child-process.js";
import { readDocument } from "./document.js";
import { listSnippets, printsOf } from "./snippet.js";
import { SnippetProject } from "./snippet-project.js";

/** Names the version of golang-ipc, and where its sums are kept. */
const GO_PEER = fileURLToPath(new URL("../../conformance/go-peer/", import.meta.url));

const go = await buildGoPeer();
const why = "missing" in go ? ` (skipped: ${go.missing})` : "";

const { fences } = readDocument("docs/GUIDE.md");
const index = fences.findIndex(({ words }) => words[0] === "go");
const servers = listSnippets().filter(({ fence, role }) => fence.document === "README.md" && role === "server");
const project = await SnippetProject.make(servers);
afterAll(() => project[Symbol.asyncDispose]());
// Before the tests, because a linker takes as long as the machine lets it.
const client = "missing" in go ? undefined : await buildClient();

/** Compiles the program of docs/GUIDE.md, and returns its path. */
async function buildClient(): Promise<string> {
  const folder = join(project.folder, "go");
  await mkdir(folder);
  for (const file of ["go.mod", "go.sum"]) await cp(join(GO_PEER, file), join(folder, file));
  await writeFile(join(folder, "main.go"), project.rename(fences[index]?.code ?? ""));
  await promisify(execFile)("go", ["build", "-trimpath", "-buildvcs=false", "-o", "client", "."], { cwd: folder });
  return join(folder, "client");
}

describe.skipIf(client === undefined)(`the Go program of docs/GUIDE.md${why}`, () => {
  test("gets an answer from the server of README.md", async () => {
    const [server] = servers;
    if (server === undefined || client === undefined)
      throw new Error("README.md has a server, docs/GUIDE.md a Go program");
    startProgram(process.execPath, [project.programOf(server)], { cwd: project.folder });
    const asking = startProgram(client, [], { cwd: project.folder });
    expect(await asking.outcome).toEqual({ code: 0, stderr: "", stdout: printsOf(fences[index + 1]) });
  });
});
