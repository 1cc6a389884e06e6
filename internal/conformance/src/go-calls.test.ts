import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { type Client, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { type CallPeer, failed, method, rpc, serve } from "@ipc/rpc";
import { type Server, startServer } from "@ipc/server";
import { expect, it } from "vitest";
import { describeWithGo } from "./describe-with-go.js";
import { GO_DIRECTORY as directory, uniqueName } from "./go-peer.js";

/** The methods that the Go program serves, and those that it calls. */
const go = {
  double: method<number, number>(),
  fail: method<void, void, { NOT_FOUND: { from: string } }>(),
  break: method<void, void>(),
  odd: method<void, void, { ODD: undefined }>(),
};
const ours = { hello: method<{ name: string }, string>(), wait: method<unknown, string>() };
const RPC1 = 0x72706331;
/** In milliseconds: for a call that settles earlier, in every case. */
const LONG = 600_000;

/** go-peer in a role that exchanges calls. These tests run concurrently, so each ends its own. */
class GoCalls implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #gone: Promise<unknown>;
  readonly #lines: AsyncIterator<string>;

  constructor(program: string, role: "client" | "server", name: string, flags: readonly string[]) {
    const child = spawn(program, ["--role", `calls-${role}`, "--name", name, ...flags]);
    this.#child = child;
    this.#gone = once(child, "close");
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Lets the Go program call a method of ours, and returns the value, or the text of its error. */
  async call(name: keyof typeof ours, deadlineMs = LONG): Promise<string> {
    this.#child.stdin?.write(`${name} ${deadlineMs}\n`);
    const { done, value } = await this.#lines.next();
    if (done) throw new Error("go-peer has ended");
    const { event, message } = JSON.parse(value) as { event: string; message: string };
    if (event !== "called") throw new Error(message);
    return message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#gone;
  }
}

/** Serves what the Go program calls; returns a promise for its call of `wait`, which is never answered. */
function serveGo(peer: Parameters<typeof serve>[0]): Promise<void> {
  return new Promise((resolve) => {
    serve(peer, ours, {
      hello: ({ name }) => `hello ${name}`,
      wait() {
        resolve();
        return new Promise<string>(() => undefined);
      },
    });
  });
}

/** Calls the Go program, unary and at once, and gets its errors, and one for a method that it does not have. */
async function callGo(peer: CallPeer): Promise<void> {
  const api = rpc(peer).remote(go);
  const numbers = Array.from({ length: 100 }, (_, at) => at);
  expect(await Promise.all(numbers.map((at) => api.double(at, { meta: { tenant: "a" } })))).toEqual(
    numbers.map((at) => at * 2),
  );
  const error = await api.fail().catch((rejected: unknown) => rejected);
  expect(failed(error, go.fail) && error.data).toEqual({ from: "Go" });
  const broken = await api.break().catch((rejected: unknown) => rejected);
  expect(broken).toMatchObject({ code: "ipc.internal", message: expect.not.stringContaining("secret") });
  await expect(api.odd(), "data that Go cannot encode").rejects.toMatchObject({ code: "ODD" });
  const unknown = rpc(peer).remote({ nothing: method() }).nothing();
  await expect(unknown).rejects.toMatchObject({ code: "ipc.unknown-method", executed: "no" });
}

/** Starts our other side of a Go client or server. */
const STARTS = { client: startServer, server: startClient };

/** Takes the next call as bytes: nothing answers it. */
async function readCall(peer: Server | Client): Promise<Buffer> {
  for (;;) {
    const message = await peer.read();
    if (message.type === RPC1) return Buffer.from(message.data);
  }
}

/** The RESULT of a call. */
function resultOf(call: Buffer, value: unknown): Buffer {
  return Buffer.concat([
    Buffer.from([6, 0x10, 0, 0]),
    call.subarray(4, 8),
    Buffer.alloc(4),
    Buffer.from(JSON.stringify(value)),
  ]);
}

describeWithGo("calls between @ipc and a golang-ipc program", (program) => {
  const flagsOf = (encryption: boolean): string[] => [`--encryption=${encryption}`];

  it.each([false, true])("go both ways between a Go client and our server, encryption: %s", async (encryption) => {
    const name = uniqueName();
    await using server = await startServer({ name, directory, encryption });
    void serveGo(server);
    await using goCalls = new GoCalls(program, "client", name, flagsOf(encryption));
    expect(await goCalls.call("hello")).toBe("hello Go");
    await callGo(server);
  });

  it.each([false, true])("go both ways between our client and a Go server, encryption: %s", async (encryption) => {
    const name = uniqueName();
    await using goCalls = new GoCalls(program, "server", name, flagsOf(encryption));
    await using client = await startClient({ name, directory, encryption });
    void serveGo(client);
    expect(await goCalls.call("hello")).toBe("hello Go");
    await callGo(client);
  });

  it.each([false, true])(
    "go both ways between Go multi-clients and our manager, encryption: %s",
    async (encryption) => {
      const name = uniqueName();
      await using manager = await startServerManager({ name, directory, encryption });
      void serveGo(manager);
      const flags = [...flagsOf(encryption), "--multi"];
      await using first = new GoCalls(program, "client", name, flags);
      await using second = new GoCalls(program, "client", name, flags);
      expect(await Promise.all([first.call("hello"), second.call("hello")])).toEqual(["hello Go", "hello Go"]);
      expect([...manager.connections.keys()].sort()).toEqual([1, 2]);
      await Promise.all([...manager.connections.values()].map(callGo));
    },
  );

  it.each([
    ["client", [0xffff_ffff, 1]],
    ["server", [0xffff_fffe, 2]],
  ] as const)("from a Go %s have ids of its side, which leave out 0 when they wrap around", async (role, ids) => {
    const name = uniqueName();
    await using goCalls = new GoCalls(program, role, name, flagsOf(true));
    await using peer = await STARTS[role]({ name, directory });
    for (const id of ids) {
      const call = goCalls.call("hello");
      const frame = await readCall(peer);
      expect(frame.readUInt32BE(4)).toBe(id);
      await peer.write(RPC1, resultOf(frame, "yes"));
      expect(await call).toBe("yes");
    }
  });

  it("from a Go program fail at the deadline that was sent, and later ones are answered", async () => {
    const name = uniqueName();
    await using goCalls = new GoCalls(program, "client", name, flagsOf(true));
    await using peer = await startServer({ name, directory });
    const late = goCalls.call("hello", 50);
    const frame = await readCall(peer);
    expect(frame.readUInt32BE(8)).toBe(50);
    expect(await late).toBe("context deadline exceeded");
    await peer.write(RPC1, resultOf(frame, "too late"));
    void serveGo(peer);
    expect(await goCalls.call("hello")).toBe("hello Go");
  });

  it.each(["client", "server"] as const)("from a Go %s fail when our side closes meanwhile", async (role) => {
    const name = uniqueName();
    await using goCalls = new GoCalls(program, role, name, flagsOf(true));
    await using peer = await STARTS[role]({ name, directory });
    const reached = serveGo(peer);
    const waiting = goCalls.call("wait");
    await reached;
    await peer.close();
    expect(await waiting).toBe("unexpected EOF");
    expect(await goCalls.call("hello")).toMatch(/^cannot write under current status: /);
  });
});
