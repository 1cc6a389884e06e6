import { getEventListeners } from "node:events";
import type { Session } from "@ipc/session";
import { describe, expect, it } from "vitest";
import { FarServer } from "../../../internal/testkit/src/far-server.js";
import { failureOf, readData, readUntil } from "../../../internal/testkit/src/peer-watch.js";
import { temporaryDirectory } from "../../../internal/testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type Client, startClient } from "./client.js";
import type { ClientOptions } from "./client-options.js";

const name = "orders";

async function pair(
  options: Partial<ClientOptions> = {},
): Promise<{ client: Client; session: Session; far: FarServer }> {
  const directory = temporaryDirectory();
  const far = await FarServer.listen(directory, name);
  const starting = startClient({ name, directory, retryMs: 1, ...options });
  const session = await far.session();
  return { client: untilTestEnds(await starting), session, far };
}

/** A client that has lost its connection and redials a server that does not answer. */
async function lost(options: Partial<ClientOptions> = {}): Promise<{ client: Client; far: FarServer }> {
  const { client, session, far } = await pair(options);
  session.destroy();
  await readUntil(client, "Reconnecting");
  return { client, far };
}

describe("connected", () => {
  it("resolves at once while there is a connection", async () => {
    const { client } = await pair();
    await client.connected();
  });

  it("resolves with the next connection, for every caller", async () => {
    const { client, far } = await lost();
    const waits = [client.connected(), client.connected()];
    await far.session();
    await Promise.all(waits);
    expect(client.status).toBe("Connected");
  });

  it("rejects with IPC_ABORTED when its signal is aborted, and leaves no listener behind", async () => {
    const { client } = await lost();
    const controller = new AbortController();
    const wait = client.connected({ signal: controller.signal });
    controller.abort("enough");
    await expect(wait).rejects.toMatchObject({ code: "IPC_ABORTED", cause: "enough" });
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    await expect(client.connected({ signal: controller.signal })).rejects.toMatchObject({ code: "IPC_ABORTED" });
  });

  it("rejects with IPC_CLOSED when the client is closed, then and later", async () => {
    const { client } = await lost();
    const wait = client.connected();
    await client.close();
    await expect(wait).rejects.toMatchObject({ code: "IPC_CLOSED" });
    await expect(client.connected()).rejects.toMatchObject({ code: "IPC_CLOSED" });
  });

  it("rejects with the error that ends redialling", async () => {
    const { client, far } = await lost({ retry: false });
    const wait = failureOf(client.connected());
    (await far.next()).destroy();
    const error = await wait;
    expect(error).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    expect(await failureOf(client.connected())).toBe(error);
  });

  it("rejects wrong options with a TypeError", async () => {
    const { client } = await pair();
    await expect(client.connected({ signal: 5 as never })).rejects.toThrow(TypeError);
  });
});

describe("a write between two connections", () => {
  it("rejects with IPC_NOT_CONNECTED by default", async () => {
    const { client } = await lost();
    expect(await failureOf(client.write(1, "x"))).toMatchObject({ code: "IPC_NOT_CONNECTED" });
  });

  it('waits for the next connection with `writeWhileReconnecting: "wait"`, in order, time after time', async () => {
    const { client, far } = await lost({ writeWhileReconnecting: "wait" });
    for (const round of [1, 2, 3]) {
      const writes = [1, 2].map((type) => client.write(type, `${round}`));
      const flushed = client.flush();
      const session = await far.session();
      await Promise.all([...writes, flushed]);
      for (const type of [1, 2]) {
        const message = await readData(session);
        expect([message.type, message.text()]).toEqual([type, `${round}`]);
      }
      session.destroy();
      await readUntil(client, "Reconnecting");
    }
  });

  it("may be as long as the server's limit, also when that is above the client's own limit", async () => {
    const { client, far } = await lost({ writeWhileReconnecting: "wait", maxMessageSize: 1_024 });
    const write = client.write(1, new Uint8Array(2_000));
    const session = await far.session();
    await write;
    expect((await readData(session)).data).toHaveLength(2_000);
  });

  it("rejects with IPC_CLOSED, or with the error that ends redialling, when the client ends while the write waits", async () => {
    const closed = await lost({ writeWhileReconnecting: "wait" });
    const write = failureOf(closed.client.write(1, "x"));
    await closed.client.close();
    expect(await write).toMatchObject({ code: "IPC_CLOSED" });
    const failed = await lost({ writeWhileReconnecting: "wait", retry: false });
    const other = failureOf(failed.client.write(1, "x"));
    (await failed.far.next()).destroy();
    expect(await other).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
  });
});
