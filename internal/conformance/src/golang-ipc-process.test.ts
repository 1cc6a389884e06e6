import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Outcome, runModule } from "../../testkit/src/child-process.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";

const HERE = fileURLToPath(new URL("..", import.meta.url));

/** Runs a script that has `startServer`, `startClient`, `directory`, `name`, and `readUntil(peer, word)`. */
function run(script: string): Promise<Outcome> {
  const prelude = `
    import { readdirSync } from "node:fs";
    import { startServer } from "@ipc/server";
    import { startClient } from "@ipc/client";
    const directory = ${JSON.stringify(temporaryDirectory())};
    const name = "orders";
    async function readUntil(peer, word) {
      for (;;) {
        const message = await peer.read();
        if ((message.kind === "data" ? message.text() : message.status) === word) return;
      }
    }
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    /** Handles are closed in a later turn of the event loop. */
    async function resources() {
      // Node itself opens it, when it closes the first socket.
      void process.stderr;
      for (let i = 0; i < 5; i++) await turn();
      return process.getActiveResourcesInfo();
    }
  `;
  return runModule(prelude + script, HERE);
}

const FINE = { code: 0, stderr: "" };

describe("a process", () => {
  it("survives a rejected write that is not awaited, of every kind", async () => {
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
    expect(outcome).toMatchObject({ ...FINE, stdout: "alive" });
  });

  it("survives an 'error' without a listener, and a close that is incomplete and not awaited", async () => {
    const outcome = await run(`
      const server = await startServer({ name, directory });
      const client = await startClient({ name, directory, retry: false });
      await readUntil(server, "Connected");
      for (let i = 0; i < 60; i++) void server.write(1, Buffer.alloc(60000));
      const closed = new Promise((resolve) => client.on("close", resolve));
      // A client whose unread messages fill its budget sees the end only after it has read.
      server.on("close", () => client.on("message", () => {}));
      void server.close({ timeoutMs: 20 });
      await closed;
      process.stdout.write(client.status);
    `);
    expect(outcome).toMatchObject({ ...FINE, stdout: "Error" });
  });

  it("is told of a listener that throws as of any uncaught exception, and the connection goes on", async () => {
    const outcome = await run(`
      const caught = [];
      process.on("uncaughtException", (error) => caught.push(error.message));
      const server = await startServer({ name, directory });
      const client = await startClient({ name, directory });
      const seen = [];
      client.on("message", (message) => {
        seen.push(message.text());
        if (message.text() === "b") throw new Error("listener of b");
      });
      server.on("status", () => { throw new Error("listener of status"); });
      await readUntil(server, "Connected").catch(() => {});
      for (const text of ["a", "b", "c"]) await server.write(1, text);
      await client.write(1, "ack");
      await readUntil(server, "ack");
      while (seen.length < 3) await turn();
      await client.close();
      await readUntil(server, "Disconnected");
      await turn();
      await server.close();
      process.stdout.write(JSON.stringify({ seen, caught: [...new Set(caught)].sort() }));
    `);
    expect(outcome).toMatchObject(FINE);
    expect(JSON.parse(outcome.stdout)).toEqual({
      seen: ["a", "b", "c"],
      caught: ["listener of b", "listener of status"],
    });
  });

  it("ends with code 1 and the stack when that is not caught", async () => {
    const outcome = await run(`
      const server = await startServer({ name, directory });
      const client = await startClient({ name, directory });
      client.on("message", () => { throw new Error("a defect of the user's"); });
      await server.write(1, "a");
    `);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("a defect of the user's");
  });

  it.each([
    ["connected", ""],
    ["redialling", `await server.close(); await readUntil(client, "Reconnecting");`],
    ["waiting for a client", "await client.close();"],
  ])("ends by itself while both sides are open and unreferenced, %s", async (_state, script) => {
    const outcome = await run(`
      const server = await startServer({ name, directory });
      const client = await startClient({ name, directory });
      await readUntil(server, "Connected");
      server.unref();
      client.unref();
      ${script}
      process.stdout.write("last");
    `);
    expect(outcome).toMatchObject({ ...FINE, stdout: "last" });
  });

  it("is kept by a connection that is referenced again", async () => {
    const outcome = await run(`
      const server = await startServer({ name, directory });
      const client = await startClient({ name, directory });
      server.unref();
      client.unref().ref();
      server.on("message", async (message) => {
        process.stdout.write(message.text());
        await Promise.all([client.close(), server.close()]);
      });
      setTimeout(() => void client.write(1, "kept"), 50).unref();
    `);
    expect(outcome).toMatchObject({ ...FINE, stdout: "kept" });
  });

  it("has no handle, timer or file left after everything is closed, and ends by itself", async () => {
    const outcome = await run(`
      const before = await resources();
      const counts = [];
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
        counts.push([busy, await waiting]);
        if (i % 2 === 0) await Promise.all([client.close(), server.close()]);
        else await server.close().then(() => client.close());
        await timed;
      }
      const after = await resources();
      process.stdout.write(JSON.stringify({ before, after, files: readdirSync(directory), counts }));
    `);
    expect(outcome).toMatchObject(FINE);
    const { before, after, files, counts } = JSON.parse(outcome.stdout);
    expect(files).toEqual([]);
    expect(after).toEqual(before);
    for (const count of counts) expect(count).toEqual(["IPC_SERVER_BUSY", "IPC_ABORTED"]);
  });

  it("has no handle left after everything is destroyed", async () => {
    const outcome = await run(`
      const before = await resources();
      const server = await startServer({ name, directory });
      const client = await startClient({ name, directory });
      await readUntil(server, "Connected");
      for (let i = 0; i < 60; i++) void client.write(1, Buffer.alloc(60000));
      client.destroy();
      server.destroy();
      const after = await resources();
      process.stdout.write(JSON.stringify({ before, after, files: readdirSync(directory) }));
    `);
    expect(outcome).toMatchObject(FINE);
    const { before, after, files } = JSON.parse(outcome.stdout);
    expect({ after, files }).toEqual({ after: before, files: [] });
  });
});
