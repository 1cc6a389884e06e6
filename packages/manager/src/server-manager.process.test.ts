import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Outcome, runModule } from "../../../internal/testkit/src/child-process.js";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { name } from "../test/served.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));

/** Runs a module that has a manager in `directory`, and a way to visit it in its own process. */
function runManager(directory: string, text: string): Promise<Outcome> {
  return runModule(
    `
      import { startServerManager } from "@ipc/manager";
      import { openSession } from "@ipc/session";
      import { unixSocket } from "@ipc/transport";
      const directory = ${JSON.stringify(directory)};
      const manager = await startServerManager({ name: ${JSON.stringify(name)}, directory });
      const visit = async () => {
        const connected = new Promise((resolve) => manager.once("connection", resolve));
        const stream = await unixSocket({ directory }).dial(${JSON.stringify(name)}, { kind: "name" }, {});
        const client = await openSession(stream, { role: "client" });
        return { client, connection: await connected };
      };
      ${text}
    `,
    PACKAGE,
  );
}

const ENDED = { code: 0, stderr: "" };

describe("the process of a manager", () => {
  it.each([
    ["as it starts", ""],
    ["after unref and ref", "manager.unref().ref();"],
    ["after ref, for a client that came meanwhile", "manager.unref(); (await visit()).client.unref(); manager.ref();"],
  ])("stays alive while the manager listens, and ends when the manager is closed: %s", async (_when, before) => {
    const directory = temporaryDirectory();
    const outcome = runManager(
      directory,
      `
        ${before}
        for await (const { connection, message } of manager) {
          await connection.write(1, message.text());
          break;
        }
        await manager.close();
        console.log("closed");
      `,
    );
    const client = await eventually(() => openFarClient(directory, name));
    await client.write(1, "stop");
    expect(await readUntil(client, "Disconnected")).toEqual(["Connected", "stop", "Disconnected"]);
    expect(await outcome).toEqual({ ...ENDED, stdout: "closed\n" });
  });

  it("ends when clients connect after unref", async () => {
    const outcome = await runManager(
      temporaryDirectory(),
      `
        manager.unref();
        const { client } = await visit();
        client.unref();
        await client.write(1, "a");
        process.on("exit", () => console.log(manager.status, manager.connections.size));
      `,
    );
    expect(outcome).toEqual({ ...ENDED, stdout: "Listening 1\n" });
  });

  it("continues when a client is lost while its async listener runs, and when a listener fails", async () => {
    const outcome = await runManager(
      temporaryDirectory(),
      `
        manager.on("connection", async (connection) => {
          for await (const message of connection) {
            if (message.text() === "fail") throw new Error("my own failure");
            for (;;) await connection.write(1, new Uint8Array(60_000));
          }
        });
        const first = await visit();
        await first.client.write(1, "go");
        const end = () => new Promise((resolve) => manager.once("disconnection", (_, error) => resolve(error)));
        const gone = end();
        while (first.connection.stats.queuedBytes < 1_000_000) await new Promise((resolve) => setImmediate(resolve));
        first.client.destroy();
        console.log((await gone).code);
        const second = await visit();
        const failed = end();
        await second.client.write(1, "fail");
        const { code, cause } = await failed;
        console.log(code, cause.message);
        manager.destroy();
      `,
    );
    expect(outcome).toMatchObject({ code: 0, stdout: "IPC_CONNECTION_LOST\nIPC_LISTENER_FAILED my own failure\n" });
    expect(outcome.stderr).toMatch(
      /^\(node:\d+\) \[IPC_LISTENER_FAILED\] Warning: server orders: `connection` listener failed: my own failure; .*\nError: my own failure\n {4}at /,
    );
  });
});
