import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { buildGoPeer } from "../../conformance/src/go-toolchain.js";
import { readDocument } from "./document.js";
import { Program } from "./program.js";
import { listSnippets, printsOf } from "./snippet.js";
import { SnippetProject } from "./snippet-project.js";

/** Names the version of golang-ipc, and where its sums are kept. */
const GO_PEER = fileURLToPath(new URL("../../conformance/go-peer/", import.meta.url));

const go = await buildGoPeer();
const why = "missing" in go ? ` (skipped: ${go.missing})` : "";

describe.skipIf("missing" in go)(`the Go program of README.md${why}`, () => {
  const { fences } = readDocument("README.md");
  const index = fences.findIndex(({ words }) => words[0] === "go");

  test("talks to the server of README.md", async () => {
    const servers = listSnippets().filter(({ fence, role }) => fence.document === "README.md" && role === "server");
    await using project = await SnippetProject.make(servers);
    const [server] = servers;
    const program = fences[index];
    if (server === undefined || program === undefined) throw new Error("README.md has a server and a Go program");

    const folder = join(project.folder, "go");
    await mkdir(folder);
    for (const file of ["go.mod", "go.sum"]) await cp(join(GO_PEER, file), join(folder, file));
    await writeFile(join(folder, "main.go"), project.rename(program.code));

    await using _serving = new Program(process.execPath, [project.programOf(server)], { cwd: project.folder });
    await using client = new Program("go", ["run", "."], { cwd: folder });
    expect(await client.outcome).toEqual({ exitCode: 0, stderr: "", stdout: printsOf(fences[index + 1]) });
  });
});
