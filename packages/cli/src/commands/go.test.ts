import { describe, expect, it, onTestFinished } from "vitest";
import { GO_DIRECTORY, GoPeer, type GoPeerOptions, uniqueName } from "../../../../internal/conformance/src/go-peer.js";
import { buildGoPeer } from "../../../../internal/conformance/src/go-toolchain.js";
import { IpcProcess, runIpc } from "../../test/ipc-process.js";

const program = await buildGoPeer();
const goPeer = "path" in program ? program.path : "";
const title = "missing" in program ? ` (skipped: ${program.missing})` : "";

/** Starts a golang-ipc peer, which ends with the test. */
function createGo(options: Omit<GoPeerOptions, "name"> & { readonly name?: string }): { go: GoPeer; name: string } {
  const name = options.name ?? uniqueName();
  const go = new GoPeer(goPeer, { ...options, name });
  onTestFinished(() => go[Symbol.asyncDispose]());
  return { go, name };
}

describe.skipIf(goPeer === "")(`ipc with golang-ipc${title}`, () => {
  it("lists, asks and measures a Go server, which goes on", async () => {
    const { go, name } = createGo({ role: "server", encryption: true });
    await go.start();
    // Looking at a socket must not connect to it, because that ends this server for good.
    const listed = await runIpc(["ls", "--json"]);
    const row = listed.stdout.split("\n").find((line) => line.includes(`"path":"${GO_DIRECTORY}/${name}.sock"`));
    if (process.platform === "linux") expect(JSON.parse(row ?? "{}")).toMatchObject({ state: "listening" });
    const sent = await runIpc(["send", name, "hello", "-t", "7", "--wait", "1", "--timeout", "20s"]);
    expect(sent).toEqual({ code: 0, stdout: "type 7, 5 bytes: hello\n", stderr: "" });
    const bench = await runIpc(["bench", name, "-n", "20", "--timeout", "20s", "--json"]);
    expect(JSON.parse(bench.stdout)).toMatchObject({ count: 20, security: "compatible" });
  });

  it("uses a Go server without encryption, with MultiClient", async () => {
    const { go, name } = createGo({ role: "server", encryption: false, multiClient: true });
    await go.start();
    const flags = ["--plain", "--multi-client", "--timeout", "20s"];
    expect((await runIpc(["ping", name, ...flags])).stdout).toContain("plain, not encrypted");
    // golang-ipc's manager never serves a client that dials before it has noticed the end of the last one.
    await go.managerFree();
    const sent = await runIpc(["send", name, "hello", ...flags, "--wait", "1"]);
    expect(sent).toEqual({ code: 0, stdout: "type 1, 5 bytes: hello\n", stderr: "" });
  });

  it("says which flag is missing for a Go server without encryption", async () => {
    const { go, name } = createGo({ role: "server", encryption: false });
    await go.start();
    const { code, stderr } = await runIpc(["ping", name]);
    expect(stderr).toMatch(/\(IPC_ENCRYPTION_REFUSED\)\n$/);
    expect(code).toBe(4);
  });

  it.each([true, false])("serves a Go client, MultiClient %s", async (multiClient) => {
    const name = uniqueName();
    const ipc = new IpcProcess(["serve", name, "--echo", "-q", "-v"]);
    await ipc.complaint("listening at ");
    const { go } = createGo({ role: "client", name, encryption: true, multiClient });
    await go.start();
    expect(await go.echo({ count: 20, size: 100 })).toMatchObject({ count: 20, bytes: 2_000 });
    ipc.child.kill("SIGINT");
    const { code, stdout } = await ipc.outcome;
    expect(stdout.match(/^client 1 -> type 1, 100 bytes: /gm)).toHaveLength(20);
    expect(code).toBe(130);
  });
});
