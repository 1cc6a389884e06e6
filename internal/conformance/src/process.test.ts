import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Outcome, runModule } from "../../testkit/src/child-process.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";

const HERE = fileURLToPath(new URL("..", import.meta.url));

/** Runs a script in a process of its own that has everything to start peers with, and ways to wait for them. */
function run(script: string): Promise<Outcome> {
  const prelude = `
    import { readdirSync } from "node:fs";
    import { connect, createServer } from "node:net";
    import { setImmediate as turn } from "node:timers/promises";
    import { startClient } from "@ipc/client";
    import { startServerManager } from "@ipc/manager";
    import { startServer } from "@ipc/server";
    const directory = ${JSON.stringify(temporaryDirectory())};
    const name = "orders";
    async function readUntil(peer, word) {
      for (;;) {
        const message = await peer.read();
        if ((message.kind === "data" ? message.text() : message.status) === word) return;
      }
    }
    async function until(check) {
      while (!check()) await turn();
    }
    /** Handles are closed in a later iteration of the event loop. */
    async function resources() {
      // Node itself opens it, when it closes the first socket.
      void process.stderr;
      for (let i = 0; i < 5; i++) await turn();
      return process.getActiveResourcesInfo().sort();
    }
    const before = await resources();
    async function report(more) {
      const after = await resources();
      process.stdout.write(JSON.stringify({ before, after, files: readdirSync(directory), ...more }));
    }
  `;
  return runModule(prelude + script, HERE);
}

const FINE = { code: 0, stderr: "" };

/** The codes of the process warnings in what a process has printed. */
const warningsIn = ({ stderr }: Outcome): string[] =>
  [...stderr.matchAll(/\[(\w+)\] Warning: /g)].map(([, code]) => code ?? "");

function expectNothingLeft(outcome: Outcome, more: object = {}): void {
  expect(outcome).toMatchObject(FINE);
  const { before, ...rest } = JSON.parse(outcome.stdout);
  expect(rest).toEqual({ after: before, files: [], ...more });
}

describe("a process", () => {
  it("survives a rejected write that is not awaited, of every kind, with one warning for each peer", async () => {
    const outcome = await run(`
      const server = await startServer({ name, directory, maxQueuedBytes: 1024 });
      for (let i = 0; i < 100; i++) void server.write(1, "x".repeat(1000));
      void server.write(0, "reserved");
      void server.write(1, 5);
      const client = await startClient({ name, directory });
      void client.write(1, "x".repeat(3145729));
      void client.write(1, "x", { signal: AbortSignal.abort() });
      void client.read({ signal: AbortSignal.abort() });
      for (let i = 0; i < 100; i++) void client.write(1, "x".repeat(60000));
      await readUntil(server, "Connected");
      server.destroy();
      void server.write(1, "closed");
      void server.flush();
      void server.read();
      void server.read();
      await readUntil(client, "Reconnecting");
      void client.write(1, "not connected");
      void client.close({ timeoutMs: 0 });
      await turn();
      process.stdout.write("alive");
    `);
    expect(outcome).toMatchObject({ code: 0, stdout: "alive" });
    expect(warningsIn(outcome)).toEqual(["IPC_WRITE_UNAWAITED", "IPC_WRITE_UNAWAITED"]);
  });

  it("survives an 'error' without a listener, and a close that is incomplete and not awaited", async () => {
    const outcome = await run(`
      const server = await startServer({ name, directory });
      const client = await startClient({ name, directory, retry: false });
      await readUntil(server, "Connected");
      for (let i = 0; i < 60; i++) server.write(1, Buffer.alloc(60000)).catch(() => {});
      const closed = new Promise((resolve) => client.on("close", resolve));
      // A client whose unread messages fill its budget sees the end only after it has read.
      server.on("close", () => client.on("message", () => {}));
      void server.close({ timeoutMs: 20 });
      await closed;
      process.stdout.write(client.status);
    `);
    expect(outcome).toMatchObject({ ...FINE, stdout: "Error" });
  });

  it("prints nothing through a failed handshake, a conversation and a cut (golang-ipc: row 34)", async () => {
    const outcome = await run(`
      const server = await startServer({ name, directory });
      const refused = new Promise((resolve) => server.once("refused", resolve));
      connect(server.address).on("error", () => {}).end(Buffer.alloc(100, 0xff));
      await refused;
      const client = await startClient({ name, directory });
      await client.write(1, "a secret");
      await readUntil(server, "a secret");
      client.destroy();
      await readUntil(server, "Disconnected");
      await server.close();
    `);
    expect(outcome).toEqual({ ...FINE, stdout: "" });
  });

  it("goes on when a listener throws, which ends its connection and prints the stack", async () => {
    const outcome = await run(`
      const server = await startServer({ name, directory });
      const client = await startClient({ name, directory, retry: false });
      client.on("message", () => { throw new Error("a defect of the user's"); });
      const lost = new Promise((resolve) => client.on("lost", resolve));
      await server.write(1, "a");
      process.stdout.write((await lost).code);
      server.destroy();
    `);
    expect(outcome).toMatchObject({ code: 0, stdout: "IPC_LISTENER_FAILED" });
    expect(warningsIn(outcome)).toEqual(["IPC_LISTENER_FAILED"]);
    expect(outcome.stderr).toMatch(/a defect of the user's\n +at /);
  });
});

describe("a process ends by itself while its peers are open and unreferenced:", () => {
  it.each([
    ["connected", ""],
    ["redialling", `await server.close(); await readUntil(client, "Reconnecting");`],
    ["waiting for a client", "await client.close();"],
  ])("a server and a client that have polled, %s", async (_state, script) => {
    const outcome = await run(`
      const options = { name, directory, busyPollUs: 1000 };
      const server = await startServer(options);
      const client = await startClient(options);
      await client.write(1, "ping");
      await readUntil(server, "ping");
      await server.write(2, "pong");
      await readUntil(client, "pong");
      server.unref();
      client.unref();
      ${script}
      process.stdout.write("last");
    `);
    expect(outcome).toMatchObject({ ...FINE, stdout: "last" });
  });

  it.each([
    ["with clients by both endpoints", ""],
    ["while the client asks again", `manager.destroy(); await until(() => client.status === "Reconnecting");`],
    ["while a slot waits for its client", "await ask();"],
    [
      "while a pending stream holds the manager's endpoint",
      `connect(directory + "/orders_manager.sock").unref(); await turn();`,
    ],
  ])("a manager and its clients, %s", async (_state, script) => {
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
  ])("a client that redials and %s", async (_stage, script) => {
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
});

describe("no handle, timer or file is left, and the process ends by itself,", () => {
  it("after a server and its clients are closed, in either order", async () => {
    const outcome = await run(`
      const codes = [];
      for (let i = 0; i < 5; i++) {
        const server = await startServer({ name, directory });
        const client = await startClient({ name, directory, timeoutMs: 1000000 });
        const busy = await startClient({ name, directory, retry: false }).catch((error) => error.code);
        const aborted = new AbortController();
        const waiting = startClient({ name, directory, signal: aborted.signal, retryMs: 1000000 }).catch((error) => error.code);
        await client.write(1, Buffer.alloc(100000));
        await server.write(1, "x");
        const timed = client.readTimed(1000000).then(() => client.readTimed(1000000));
        await readUntil(server, "Connected");
        aborted.abort();
        codes.push(busy, await waiting);
        if (i % 2 === 0) await Promise.all([client.close(), server.close()]);
        else await server.close().then(() => client.close());
        await timed;
      }
      await report({ codes: [...new Set(codes)] });
    `);
    expectNothingLeft(outcome, { codes: ["IPC_SERVER_BUSY", "IPC_ABORTED"] });
  });

  it("after a server and its client are destroyed with full queues", async () => {
    const outcome = await run(`
      const server = await startServer({ name, directory });
      const client = await startClient({ name, directory });
      await readUntil(server, "Connected");
      for (let i = 0; i < 60; i++) void client.write(1, Buffer.alloc(60000));
      client.destroy();
      server.destroy();
      await report();
    `);
    expectNothingLeft(outcome);
  });

  it("after a manager and its clients, at both endpoints, are closed or destroyed", async () => {
    const outcome = await run(`
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
      await report();
    `);
    expectNothingLeft(outcome);
  });
});
