import { startClient } from "@ipc/client";
import { describe, expect, it, onTestFinished } from "vitest";
import { GO_DIRECTORY, GoPeer, uniqueName } from "../../../../internal/conformance/src/go-peer.js";
import { buildGoPeer } from "../../../../internal/conformance/src/go-toolchain.js";
import { examine } from "../../test/doctor-run.js";

const go = await buildGoPeer();
const why = "missing" in go ? ` (skipped: ${go.missing})` : "";
describe.skipIf("missing" in go)(`ipc doctor, with golang-ipc${why}`, () => {
  it("finds a server without MultiClient, when it is free, busy, and when an id is requested", async () => {
    if ("missing" in go) return;
    const name = uniqueName();
    await using server = new GoPeer(go.path, { role: "server", name, encryption: true });
    await server.start();
    const multi = await examine([name, "--multi-client"]);
    expect(multi.problems).toMatchObject([
      { problem: "single-client-server", path: `${GO_DIRECTORY}/${name}_manager.sock`, state: "failed" },
    ]);
    const client = await startClient({ name });
    onTestFinished(() => client.destroy());
    const busy = await examine([name, "--timeout", "200ms"]);
    expect(busy.problems).toMatchObject([
      { problem: "single-client-server", state: "failed", seen: expect.stringContaining("200 ms") },
    ]);
    expect([multi.code, busy.code]).toEqual([1, 1]);
  });

  it("warns of a server that serves one client at a time", async () => {
    if ("missing" in go) return;
    const name = uniqueName();
    await using server = new GoPeer(go.path, { role: "server", name, encryption: true });
    await server.start();
    const { code, problems } = await examine([name]);
    expect(problems).toMatchObject([{ problem: "single-client-server", state: "warning" }]);
    expect(code).toBe(0);
  });
});
