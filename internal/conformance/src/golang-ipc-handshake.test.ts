import { startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { describe, expect, it } from "vitest";
import { collect, failureOf, nextEvent, readData, readUntil } from "../../testkit/src/peer-watch.js";
import { RawPeer } from "../../testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../testkit/src/until-test-ends.js";

const name = "orders";

// docs/UPSTREAM.md, row 8: a handshake that fails ends a Go server for good; ours tells 'refused' and goes on serving.
describe("TestServerReceiveWrongVersionNumber", () => {
  it("a client that says the version differs is refused, and the next one is served", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory }));
    const refused = nextEvent(server, "refused");
    const errors = collect(server, "error");
    const raw = await RawPeer.connect(server.address);
    expect((await raw.read(2))[0]).toBe(2);
    raw.write(1);
    expect(await refused).toMatchObject({
      code: "IPC_VERSION_MISMATCH",
      message: expect.stringContaining("the client does not speak version 2"),
    });
    const client = untilTestEnds(await startClient({ name, directory }));
    await client.write(1, "served");
    expect(await readUntil(server, "served")).toEqual(["Connected", "served"]);
    expect(errors).toEqual([]);
  });
});

describe("TestServerWrongEncryption", () => {
  it("a client that wants encryption refuses a server without, both say so, and the server goes on", async () => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory, encryption: false }));
    const refused = nextEvent(server, "refused");
    expect(await failureOf(startClient({ name, directory, encryption: true }))).toMatchObject({
      code: "IPC_ENCRYPTION_REFUSED",
      message:
        "server `orders` offers no encryption; start a golang-ipc server with `Encryption: true`, or pass `encryption: false` to use plain text",
    });
    expect(await refused).toMatchObject({
      code: "IPC_ENCRYPTION_REFUSED",
      message: expect.stringContaining("encryption refused: the client requires it"),
    });
    const client = untilTestEnds(await startClient({ name, directory, encryption: false }));
    await client.write(1, "in the clear");
    expect(await readUntil(server, "in the clear")).toEqual(["Connected", "in the clear"]);
    expect([server.security.mode, client.security.mode]).toEqual(["plain", "plain"]);
  });
});

// docs/DIVERGENCES.md: a Go client without encryption misreads the server's key as a length; ours follows the server.
describe("TestServerWrongEncryption2", () => {
  it.each([
    ["secure", {}],
    ["compatible", { security: { wire: "golang-ipc" } }],
  ] as const)("a client without encryption follows a server with, and ends up encrypted: %s", async (mode, options) => {
    const directory = temporaryDirectory();
    const server = untilTestEnds(await startServer({ name, directory, encryption: true, ...options }));
    const client = untilTestEnds(await startClient({ name, directory, encryption: false }));
    await server.write(1, "sealed");
    expect((await readData(client)).text()).toBe("sealed");
    expect([server.security.mode, client.security.mode]).toEqual([mode, mode]);
  });
});
