import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Outcome, runModule } from "../../../internal/testkit/src/child-process.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

/**
 * Runs a module in a process where nothing but a client can keep the event loop alive. `serve()` starts a server; `options` are
 * those of a client whose failures start one.
 */
function run(text: string): Promise<Outcome> {
  return runModule(
    `
      import { createServer } from "node:net";
      import { startClient } from "@ipc/client";
      import { openSession } from "@ipc/session";
      const directory = ${JSON.stringify(temporaryDirectory())};
      let server;
      let session;
      function serve() {
        server = createServer((socket) => {
          session = openSession(socket.unref(), { role: "server" }).then((opened) => opened.unref());
        });
        server.listen(directory + "/orders.sock").unref();
      }
      async function lose() {
        server.close();
        (await session).destroy();
      }
      const nothing = () => {};
      const warn = () => void (server?.listening || serve());
      const logger = { debug: nothing, info: nothing, warn, error: nothing };
      const options = { name: "orders", directory, retryMs: 1, logger };
      ${text}
    `,
    PACKAGE,
  );
}

describe("a process", () => {
  it("stays alive while startClient waits between two dials", async () => {
    const outcome = await run(`
      const client = await startClient(options);
      process.stdout.write(client.status);
      client.unref();
    `);
    expect(outcome).toEqual({ code: 0, stdout: "Connected", stderr: "" });
  });

  it.each([
    ["that is referenced from the start", ""],
    ["that is referenced again meanwhile", `client.once("lost", () => queueMicrotask(() => client.unref().ref()));`],
  ])("stays alive while a client %s reconnects", async (_what, script) => {
    const outcome = await run(`
      const client = await startClient(options);
      client.on("status", (status) => {
        process.stdout.write(status + " ");
        if (status === "Connected") client.unref();
      });
      await lose();
      ${script}
    `);
    expect(outcome).toEqual({ code: 0, stdout: "Reconnecting Connected ", stderr: "" });
  });

  it.each([
    ["before the first", "client.unref()"],
    ["meanwhile", "queueMicrotask(() => client.unref())"],
  ])("ends while a client redials, after unref %s", async (_when, script) => {
    const outcome = await run(`
      const client = await startClient(options);
      client.on("status", (status) => process.stdout.write(status)).once("lost", () => ${script});
      logger.warn = nothing;
      await lose();
    `);
    expect(outcome).toEqual({ code: 0, stdout: "Reconnecting", stderr: "" });
  });
});
