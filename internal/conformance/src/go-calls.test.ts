import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { type CallPeer, failed, method, rpc, serve } from "@ipc/rpc";
import { startServer } from "@ipc/server";
import { expect, it } from "vitest";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY as directory, uniqueName } from "./go-peer.js";

/** The methods that the Go program serves, and those that it calls. */
const go = { double: method<number, number>(), fail: method<void, void, { NOT_FOUND: { from: string } }>() };
const ours = { hello: method<{ name: string }, string>() };
const handlers = { hello: ({ name }: { name: string }) => `hello ${name}` };

/** go-peer in a role that exchanges calls. These tests run concurrently, so each ends its own. */
class GoCalls implements AsyncDisposable {
  /** The result of its own call. */
  readonly called: Promise<string>;
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;

  constructor(program: string, flags: readonly string[]) {
    const child = spawn(program, flags);
    this.#child = child;
    this.#gone = once(child, "close");
    this.called = new Promise((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const { event, message } = JSON.parse(line) as { event: string; message?: string };
        if (event === "called") resolve(message ?? "");
        if (event === "fatal") reject(new Error(message));
      });
      child.once("error", reject);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#gone;
  }
}

/** Calls the Go program, unary and at once, and gets an error of its own and one for a method that it does not have. */
async function callGo(peer: CallPeer): Promise<void> {
  const api = rpc(peer).remote(go);
  const numbers = Array.from({ length: 100 }, (_, at) => at);
  expect(await Promise.all(numbers.map((at) => api.double(at)))).toEqual(numbers.map((at) => at * 2));
  const error = await api.fail().catch((rejected: unknown) => rejected);
  expect(failed(error, go.fail) && error.data).toEqual({ from: "Go" });
  const unknown = rpc(peer).remote({ nothing: method() }).nothing();
  await expect(unknown).rejects.toMatchObject({ code: "ipc.unknown-method", executed: "no" });
}

describeWithGo("calls between @ipc and a golang-ipc program", (program) => {
  it.each([false, true])("go both ways between a Go client and our server, encryption: %s", async (encryption) => {
    const name = uniqueName();
    await using server = await startServer({ name, directory, encryption });
    serve(server, ours, handlers);
    await using goCalls = new GoCalls(program, [
      "--role",
      "calls-client",
      "--name",
      name,
      `--encryption=${encryption}`,
    ]);
    expect(await goCalls.called).toBe("hello Go");
    await callGo(server);
  });

  it.each([false, true])("go both ways between our client and a Go server, encryption: %s", async (encryption) => {
    const name = uniqueName();
    await using goCalls = new GoCalls(program, [
      "--role",
      "calls-server",
      "--name",
      name,
      `--encryption=${encryption}`,
    ]);
    await using client = await startClient({ name, directory, encryption });
    serve(client, ours, handlers);
    expect(await goCalls.called).toBe("hello Go");
    await callGo(client);
  });

  it("go both ways between a Go client with an id and our manager", async () => {
    const name = uniqueName();
    await using manager = await startServerManager({ name, directory });
    serve(manager, ours, handlers);
    await using goCalls = new GoCalls(program, ["--role", "calls-client", "--name", name, "--encryption", "--multi"]);
    expect(await goCalls.called).toBe("hello Go");
    const [connection] = manager.connections.values();
    if (connection === undefined) throw new Error("no client is connected");
    await callGo(connection);
  });
});
