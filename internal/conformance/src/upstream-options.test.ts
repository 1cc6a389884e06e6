import { fileURLToPath } from "node:url";
import { startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { describe, expect, it } from "vitest";
import { runModule } from "../../testkit/src/child-process.js";
import { FarServer } from "../../testkit/src/far-server.js";
import { failureOf } from "../../testkit/src/peer-watch.js";
import { RawPeer } from "../../testkit/src/raw-peer.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";
import { KINDS, NAME, startAttacked } from "../test/attacked.js";

// What is broken in how golang-ipc is set up, by the numbers of our list of its defects; each is a thing that ours does not do.

describe("row 33: nil as configuration ends the process", () => {
  const starts = { startClient, startServer, startServerManager } as const;
  const calls = Object.entries(starts) as [string, (options: never) => Promise<unknown>][];

  it.each(calls)("%s without options is a TypeError that says so", async (_what, start) => {
    for (const nothing of [undefined, null, "orders", 3]) {
      const error = await failureOf(start(nothing as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain("options");
    }
  });

  it.each(calls)("%s without a name names that option", async (_what, start) => {
    const error = await failureOf(start({} as never));
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain("name");
  });
});

describe("row 34: it writes to stdout, data included", () => {
  it("a whole conversation, a failed handshake and a cut print nothing", async () => {
    const directory = temporaryDirectory();
    const program = `
      import { connect } from "node:net";
      import { once } from "node:events";
      import { startServer } from "@ipc/server";
      import { startClient } from "@ipc/client";
      const place = { name: "quiet", directory: ${JSON.stringify(directory)} };
      const server = await startServer(place);
      const stranger = connect(server.address);
      stranger.end(Buffer.alloc(100, 0xff));
      await once(server, "refused");
      const client = await startClient(place);
      server.on("message", ({ type, data }) => void server.write(type, data));
      await client.write(1, "a secret");
      for await (const message of client) { if (message.text() !== "a secret") process.exitCode = 3; break; }
      client.destroy();
      await once(server, "status");
      await server.close();
    `;
    const outcome = await runModule(program, fileURLToPath(new URL("..", import.meta.url)));
    expect(outcome).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

describe("row 35: encryption is the default only where there is a configuration", () => {
  it.each(KINDS)("a %s with nothing but a name encrypts", async (kind) => {
    const target = await startAttacked(kind);
    const peer = await RawPeer.connect(target.path);
    expect([...(await peer.read(2))]).toEqual([2, 1]);
    expect((await target.served()).security.mode).toBe("secure");
  });

  it("a client with nothing but a name refuses a server without", async () => {
    const directory = temporaryDirectory();
    const far = await FarServer.listen(directory, NAME);
    const failing = failureOf(startClient({ name: NAME, directory }));
    const peer = new RawPeer(await far.next());
    peer.write(2, 0);
    expect((await failing).code).toBe("IPC_ENCRYPTION_REFUSED");
    expect([...(await peer.read(1))]).toEqual([2]);
  });
});
