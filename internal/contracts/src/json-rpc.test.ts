import { startClient } from "@ipc/client";
import { jsonRpcOver } from "@ipc/rpc/json-rpc";
import { startServer } from "@ipc/server";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createMessageConnection, type MessageConnection, ResponseError } from "vscode-jsonrpc/node";
import { eventually } from "../../testkit/src/eventually.js";
import { temporaryDirectory } from "../../testkit/src/temporary-directory.js";

const name = "language-server";

interface Sides {
  readonly client: Awaited<ReturnType<typeof startClient>>;
  readonly server: Awaited<ReturnType<typeof startServer>>;
  /** The events that the client's JSON-RPC listens to, one for each listener. */
  readonly listeners: () => string[];
  readonly near: MessageConnection;
  readonly far: MessageConnection;
}

/** A real vscode-jsonrpc client and server over an encrypted unix socket. */
async function connect(): Promise<Sides> {
  const directory = temporaryDirectory();
  const server = await startServer({ name, directory });
  onTestFinished(() => server.destroy());
  const client = await startClient({ name, directory, retryMs: 1 });
  onTestFinished(() => client.destroy());
  const listeners = watchListeners(client);
  const [near, far] = [client, server].map((peer) => {
    const { reader, writer } = jsonRpcOver(peer);
    return createMessageConnection(reader, writer);
  }) as [MessageConnection, MessageConnection];
  far.onRequest("double", (value: number) => value * 2);
  far.onRequest("hang", () => new Promise(() => {}));
  far.onRequest("fail", () => {
    throw new ResponseError(7, "failed", { why: "x" });
  });
  near.listen();
  far.listen();
  return { client, server, listeners, near, far };
}

/** Returns the events of the listeners that are added to a client from now on and not removed. */
function watchListeners(client: Sides["client"]): () => string[] {
  const on = vi.spyOn(client, "on");
  const off = vi.spyOn(client, "off");
  return () => {
    const removed = off.mock.calls.map(([, listener]) => listener);
    return on.mock.calls.filter(([, listener]) => !removed.includes(listener)).map(([event]) => event);
  };
}

describe("vscode-jsonrpc over a client and a server", () => {
  test("sends requests and notifications, both ways, and gets errors", async () => {
    const { near, far } = await connect();
    near.onRequest("name", () => "client");
    const notified = new Promise((resolve) => near.onNotification("hello", resolve));
    expect(await near.sendRequest("double", 21)).toBe(42);
    expect(await far.sendRequest("name")).toBe("client");
    await far.sendNotification("hello", { a: 1 });
    expect(await notified).toEqual({ a: 1 });
    await expect(near.sendRequest("fail")).rejects.toMatchObject({ code: 7, data: { why: "x" } });
  });

  test("rejects pending requests when the connection is lost, and serves new ones on the next connection", async () => {
    const { near, server, client } = await connect();
    const hanging = near.sendRequest("hang");
    hanging.catch(() => {});
    expect(await near.sendRequest("double", 1)).toBe(2);
    const directory = client.remote.slice(0, client.remote.lastIndexOf("/"));
    server.destroy();
    await expect(hanging).rejects.toMatchObject({ code: -32_097 });
    const next = await startServer({ name, directory });
    onTestFinished(() => next.destroy());
    const { reader, writer } = jsonRpcOver(next);
    const far = createMessageConnection(reader, writer);
    far.onRequest("double", (value: number) => value * 2);
    far.listen();
    await eventually(() => expect(client.status).toBe("Connected"));
    expect(await near.sendRequest("double", 4)).toBe(8);
  });

  test("closes with the peer, and leaves no listener behind", async () => {
    const { near, client, listeners } = await connect();
    expect([...listeners()].sort()).toEqual(["close", "lost", "message", "status"]);
    const closed = new Promise<void>((resolve) => near.onClose(resolve));
    await client.close();
    await closed;
    expect(listeners()).toEqual([]);
  });

  test("reports a message that is not JSON, and handles the next one", async () => {
    const { near, server } = await connect();
    const errors: string[] = [];
    near.onError(([error]) => errors.push(error.name));
    await server.write(0x6a727063, "{");
    await server.write(0x6a727063, "7");
    await server.write(1, "of another kind");
    expect(await near.sendRequest("double", 1)).toBe(2);
    expect(errors).toEqual(["SyntaxError", "TypeError"]);
  });

  test("rejects every argument that is not a peer", () => {
    expect(() => jsonRpcOver({} as never)).toThrow(
      new TypeError("jsonRpcOver: `peer` takes a client, server or session, got an object"),
    );
  });
});
