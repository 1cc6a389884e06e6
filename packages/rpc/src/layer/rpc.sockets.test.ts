import { generateKeyPairSync } from "node:crypto";
import { memory, startClient } from "@ipc/client";
import { startServer } from "@ipc/server";
import { openSession } from "@ipc/session";
import { memoryPair } from "@ipc/transport";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { bothSides, rejection } from "../../test/both-sides.js";
import { method, stream } from "../contract/method.js";
import type { Caller } from "../link/link.js";
import { rpc, serve } from "./rpc.js";

const contract = {
  echo: method<number, number>(),
  wait: method<number, string>(),
  give: stream<number, number>(),
  once: method<number, string>({ idempotent: true }),
};
const screen = { show: method<number, string>() };

describe("a manager with 50 clients", () => {
  test("serves unary calls and streams of all clients at once, and calls each client", async () => {
    const { manager, connect } = await bothSides();
    serve(manager, contract, handlers());
    const clients = await Promise.all(Array.from({ length: 50 }, () => connect()));
    for (const [at, client] of clients.entries()) serve(client, screen, { show: (n) => `client ${at} shows ${n}` });
    const results = await Promise.all(
      clients.map(async (client, at) => {
        const api = rpc(client).remote(contract);
        let sum = 0;
        const [echoed] = await Promise.all([
          api.echo(at),
          (async () => {
            for await (const item of api.give(100)) sum += item;
          })(),
        ]);
        return { echoed, sum };
      }),
    );
    expect(results).toEqual(clients.map((_, at) => ({ echoed: at, sum: 4_950 })));
    const shown = await Promise.all(
      [...manager.connections.values()].map((connection) => rpc(connection).remote(screen).show(connection.id)),
    );
    expect(new Set(shown).size).toBe(50);
    expect(rpc(manager).stats).toMatchObject({ calls: 0, handling: 0, unreadBytes: 0 });
  });

  test("settles the calls of the clients it loses, and of no other client", async () => {
    const { manager, connect } = await bothSides();
    const log = { aborted: 0 };
    serve(manager, contract, handlers(log));
    const clients = await Promise.all(Array.from({ length: 50 }, () => connect({ retry: false })));
    const calls = Promise.allSettled(clients.map((client) => rpc(client).remote(contract).wait(0)));
    await eventually(() => expect(rpc(manager).stats.handling).toBe(50));
    for (const connection of [...manager.connections.values()].slice(0, 25)) connection.destroy();
    await eventually(() => expect(log.aborted).toBe(25));
    await eventually(() => expect(clients.filter(({ status }) => status === "Connected")).toHaveLength(25));
    for (const client of clients) void client.close();
    const codes = (await calls).map((result) => result.status === "rejected" && result.reason.code);
    expect(codes.filter((code) => code === "IPC_CALL_LOST")).toHaveLength(25);
    expect(codes.filter((code) => code === "IPC_CLOSED")).toHaveLength(25);
  });
});

test("the context of a call is made from the pre-shared key and the signature that its client has proved", async () => {
  const psk = new Uint8Array(32).fill(7);
  const keys = [generateKeyPairSync("ed25519"), generateKeyPairSync("ed25519")];
  const trustedPeers = keys.map(({ publicKey }) => publicKey);
  const { manager, connect } = await bothSides({ security: { psk, trustedPeers } });
  const raw = trustedPeers.map((key) => new Uint8Array(key.export({ format: "der", type: "spki" }).subarray(-32)));
  const proofs = { proved: method<void, { mode: string; psk: boolean; key: number }>() };
  const context = ({ security: { mode, peer } }: Caller) => {
    return {
      mode,
      psk: peer.psk,
      key: raw.findIndex((each) => Buffer.compare(each, peer.key ?? each.subarray(1)) === 0),
    };
  };
  serve(manager, proofs, { context }, { proved: (_, call) => call.context });
  for (const [key, { privateKey: identity }] of keys.entries()) {
    const client = await connect({ security: { psk, identity } });
    expect(await rpc(client).remote(proofs).proved()).toEqual({ mode: "secure", psk: true, key });
  }
});

describe("a cut connection", () => {
  test("rejects the calls of both sides and ends generators, and the next connection carries calls again", async () => {
    const { manager, connect } = await bothSides();
    const log = { aborted: 0 };
    serve(manager, contract, handlers(log));
    const client = await connect({ retryMs: 1 });
    const api = rpc(client).remote(contract);
    const made = rejection(api.wait(0));
    const items = api.give(1_000_000)[Symbol.asyncIterator]();
    await items.next();
    const loop = rejection(drain(items));
    await eventually(() => expect(rpc(manager).stats.handling).toBe(2));
    for (const connection of manager.connections.values()) connection.destroy();
    expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    expect(await loop).toMatchObject({ code: "IPC_CALL_LOST" });
    await eventually(() => expect(client.status).toBe("Connected"));
    expect(await api.echo(7)).toBe(7);
    expect(log.aborted).toBe(1);
  });

  test("repeats a client's idempotent call on the next connection", async () => {
    const { manager, connect } = await bothSides();
    let calls = 0;
    serve(
      manager,
      { once: contract.once },
      {
        once: (_, call) => (++calls === 2 ? "second" : new Promise(() => call.signal)),
      },
    );
    const made = rpc(await connect({ retryMs: 1 }))
      .remote(contract)
      .once(1);
    await eventually(() => expect(calls).toBe(1));
    for (const connection of manager.connections.values()) connection.destroy();
    expect(await made).toBe("second");
  });
});

describe("a call that has surely not run, over a connection without resume,", () => {
  test("is executed: no when the client has no connection, or has not sent it by the time it loses that", async () => {
    const { manager, connect } = await bothSides();
    const log = { aborted: 0 };
    serve(manager, contract, handlers(log));
    const client = await connect({ retryMs: 1_000_000 });
    const api = rpc(client).remote(contract);
    const sent = rejection(api.wait(0));
    await eventually(() => expect(rpc(manager).stats.handling).toBe(1));
    const [connection] = manager.connections.values();
    connection?.pause();
    // More than the queue and the kernel hold, so that what is written next waits.
    const filling = Promise.allSettled(Array.from({ length: 200 }, () => client.write(1, Buffer.alloc(30_000))));
    const unsent = [rejection(api.wait(1)), rejection(api.give(1).result)];
    connection?.destroy();
    expect(await sent).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    expect(await Promise.all(unsent)).toMatchObject([
      { code: "IPC_CALL_LOST", executed: "no" },
      { code: "IPC_CALL_LOST", executed: "no" },
    ]);
    await filling;
    expect(client.status).toBe("Reconnecting");
    expect(await rejection(api.wait(2))).toMatchObject({ code: "IPC_CALL_LOST", executed: "no" });
    expect([log.aborted, rpc(manager).stats.handling]).toEqual([1, 0]);
  });
});

describe("a single-client server", () => {
  test("gives a later client no answer for an earlier one, and calls the connected client", async () => {
    const transport = memory();
    await using server = await startServer({ name: "one", transport });
    const finish: ((value: string) => void)[] = [];
    serve(server, { wait: contract.wait }, { wait: () => new Promise((resolve) => finish.push(resolve)) });
    const first = await startClient({ name: "one", transport });
    const early = rejection(rpc(first).remote(contract).wait(1));
    await eventually(() => expect(finish).toHaveLength(1));
    await first.close();
    expect(await early).toMatchObject({ code: "IPC_CLOSED" });
    await eventually(() => expect(server.status).toBe("Disconnected"));
    await using second = await startClient({ name: "one", transport });
    const late = rpc(second).remote(contract).wait(2);
    await eventually(() => expect(finish).toHaveLength(2));
    finish[0]?.("for the first");
    finish[1]?.("for the second");
    expect(await late).toBe("for the second");
  });

  test("sends a call made before any client to the first client", async () => {
    const transport = memory();
    await using server = await startServer({ name: "one", transport });
    const made = rpc(server).remote(screen).show(3);
    await using client = await startClient({ name: "one", transport });
    serve(client, screen, { show: (n) => `shows ${n}` });
    expect(await made).toBe("shows 3");
  });
});

describe("a session over a stream", () => {
  test("sends the calls of one tick in one write, and in five at most when they have 1 000 bytes or more", async () => {
    const [near, far] = memoryPair();
    const [client, server] = await Promise.all([
      openSession(near, { role: "client" }),
      openSession(far, { role: "server" }),
    ]);
    rpc(server, { side: "server" });
    serve(server, { echo: contract.echo }, { echo: (n) => n + 1 });
    const { echo } = rpc(client, { side: "client" }).remote(contract);
    const write = vi.spyOn(near, "write");
    onTestFinished(() => void vi.restoreAllMocks());
    for (const [calls, writes] of [
      [30, 1],
      [200, 5],
    ] as const) {
      write.mockClear();
      const answers = await Promise.all(Array.from({ length: calls }, (_, at) => echo(at)));
      expect(answers).toEqual(answers.map((_, at) => at + 1));
      expect(write.mock.calls.length).toBeLessThanOrEqual(writes);
    }
    client.destroy();
    server.destroy();
  });

  test("carries calls when its side is given, and throws a TypeError otherwise", async () => {
    const [near, far] = memoryPair();
    const [client, server] = await Promise.all([
      openSession(near, { role: "client" }),
      openSession(far, { role: "server" }),
    ]);
    expect(() => rpc(server)).toThrow("pass `side`");
    rpc(server, { side: "server" });
    serve(server, { echo: contract.echo }, { echo: (n) => n + 1 });
    expect(await rpc(client, { side: "client" }).remote(contract).echo(1)).toBe(2);
    const lost = rejection(
      rpc(client)
        .remote({ ...contract })
        .wait(1),
    );
    server.destroy();
    await lost;
    expect(rpc(client).stats.calls).toBe(0);
    client.destroy();
  });
});

function handlers(log = { aborted: 0 }) {
  return {
    echo: (n: number) => n,
    wait: (_: number, call: { signal: AbortSignal }) =>
      new Promise<string>((resolve) => {
        call.signal.addEventListener("abort", () => {
          log.aborted++;
          resolve("aborted");
        });
      }),
    async *give(count: number) {
      for (let at = 0; at < count; at++) yield at;
    },
    once: (n: number) => String(n),
  };
}

async function drain(items: AsyncIterator<unknown>): Promise<void> {
  while ((await items.next()).done !== true);
}
