import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Outcome, runModule } from "../../testkit/src/child-process.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";

const HERE = dirname(fileURLToPath(import.meta.url));
const FINE = { code: 0, stderr: "" };

/** Runs the text of a module in a process of its own, with a manager and clients at hand. */
function run(script: string): Promise<Outcome> {
  const prelude = `
    import { startClient } from "@ipc/client";
    import { startServerManager } from "@ipc/manager";
    import { startServer } from "@ipc/server";
    import { readdirSync } from "node:fs";
    import { connect, createServer } from "node:net";
    import { setImmediate as turn } from "node:timers/promises";
    const directory = ${JSON.stringify(temporaryDirectory())};
    const name = "orders";
    async function until(check) {
      while (!check()) await turn();
    }
  `;
  return runModule(prelude + script, HERE);
}

describe("a process ends by itself", () => {
  it.each([
    ["with clients by both endpoints", ""],
    ["while the client asks again", `manager.destroy(); await until(() => client.status === "Reconnecting");`],
    ["while a slot waits for its client", "await ask();"],
    [
      "while a pending stream holds the manager's endpoint",
      `connect(directory + "/orders_manager.sock").unref(); await turn();`,
    ],
  ])("while its manager and its client are open and unreferenced, %s", async (_state, script) => {
    const outcome = await run(`
      const options = { name, directory, handshakeTimeoutMs: 1000000 };
      const manager = await startServerManager(options);
      const client = await startClient({ ...options, multiClient: true, retryMs: 5 });
      const other = await startClient(options);
      await until(() => manager.connections.size === 2);
      async function ask() {
        const asker = await startClient({ ...options, name: "orders_manager", serverName: name });
        await asker.write(12, "client_id_request");
        for await (const answer of asker) break;
        asker.unref();
      }
      manager.unref();
      client.unref();
      other.unref();
      ${script}
      process.stdout.write("last");
    `);
    expect(outcome).toMatchObject({ ...FINE, stdout: "last" });
  });

  it.each([
    [
      "shakes hands with a manager",
      `createServer((socket) => reached.push(socket.unref())).listen(directory + "/orders_manager.sock").unref();`,
    ],
    [
      "waits for an id",
      `(await startServer({ name: "orders_manager", directory, security })).unref().on("message", reach);`,
    ],
    [
      "waits for its slot",
      `const server = await startServer({ name: "orders_manager", directory, security });
       server.unref().on("message", reach).on("message", () => server.write(12, Buffer.of(0, 0, 0, 7)));`,
    ],
  ])("while an unreferenced client that redials %s", async (_stage, script) => {
    const outcome = await run(`
      const manager = await startServerManager({ name, directory });
      // A server that takes the manager's place, under a name of its own, announces none.
      const security = { wire: "golang-ipc" };
      const options = { name, directory, multiClient: true, retryMs: 5, handshakeTimeoutMs: 1000000, security };
      const client = await startClient(options);
      client.unref();
      await manager.close();
      const reached = [];
      const reach = (what) => reached.push(what);
      ${script}
      await until(() => reached.length > 0);
      process.stdout.write("last");
    `);
    expect(outcome).toMatchObject({ ...FINE, stdout: "last" });
  });

  it("after everything is closed, and no handle, timer or file is left", async () => {
    const outcome = await run(`
      void process.stderr;
      for (let i = 0; i < 5; i++) await turn();
      const before = process.getActiveResourcesInfo();
      for (let i = 0; i < 3; i++) {
        const manager = await startServerManager({ name, directory });
        const clients = await Promise.all([1, 2, 3, 4].map((n) => startClient({ name, directory, multiClient: n > 2 })));
        for (const client of clients) await client.write(1, "hello");
        await until(() => manager.connections.size === 4);
        await clients[0].close();
        clients[3].destroy();
        await manager.close();
        await Promise.all(clients.map((client) => client.close()));
      }
      for (let i = 0; i < 5; i++) await turn();
      const after = process.getActiveResourcesInfo();
      process.stdout.write(JSON.stringify({ before, after, files: readdirSync(directory) }));
    `);
    expect(outcome).toMatchObject(FINE);
    const { before, after, files } = JSON.parse(outcome.stdout);
    expect(after.sort()).toEqual(before.sort());
    expect(files).toEqual([]);
  });
});
