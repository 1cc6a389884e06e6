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
  it.each([
    { encryption: true, multiClient: false, flags: [], security: "golang-ipc's encryption, the server is anonymous" },
    { encryption: false, multiClient: true, flags: ["--plain", "--multi-client"], security: "plain, not encrypted" },
  ])("uses a Go server: encryption $encryption, MultiClient $multiClient", async (options) => {
    const { encryption, multiClient, flags, security } = options;
    const { go, name } = createGo({ role: "server", encryption, multiClient });
    await go.start();
    // Looking at a socket must not connect to it, because that ends this server for good.
    const listed = await runIpc(["ls", "--json"]);
    const row = listed.stdout
      .split("\n")
      .find((line) => line.includes(`"path":"${GO_DIRECTORY}/${name}${multiClient ? "_manager" : ""}.sock"`));
    if (process.platform === "linux") expect(JSON.parse(row ?? "{}")).toMatchObject({ state: "listening" });
    expect((await runIpc(["ping", name, ...flags, "--timeout", "20s"])).stdout).toContain(security);
    const sent = await runIpc(["send", name, "hello", ...flags, "-t", "7", "--wait", "1", "--timeout", "20s"]);
    expect(sent).toEqual({ code: 0, stdout: "type 7, 5 bytes: hello\n", stderr: "" });
    const bench = await runIpc(["bench", name, ...flags, "-n", "20", "--timeout", "20s", "--json"]);
    expect(JSON.parse(bench.stdout)).toMatchObject({ count: 20, security: encryption ? "compatible" : "plain" });
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
