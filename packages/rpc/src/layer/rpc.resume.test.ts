import { type Client, startClient } from "@ipc/client";
import { type ServerManager, startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { describe, expect, test } from "vitest";
import { CutSockets } from "../../../../internal/testkit/src/cut-sockets.js";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { untilTestEnds } from "../../../../internal/testkit/src/until-test-ends.js";
import { rejection } from "../../test/both-sides.js";
import { method, stream } from "../contract/method.js";
import { rpc, serve } from "./rpc.js";

const contract = {
  wait: method<number, string>(),
  give: stream<number, number>(),
  sum: stream<void, number, number, number>(),
  once: method<number, string>({ idempotent: true }),
};
const screen = { show: method<number, string>() };

interface Scene {
  readonly manager: ServerManager;
  readonly client: Client;
  readonly sockets: CutSockets;
  /** Answers the calls of `wait` and `once`. */
  readonly answer: (value: string) => void;
  /** Calls of them that the handlers were given. */
  readonly calls: () => number;
  readonly aborted: () => number;
}

const name = "orders";

async function startServing(sockets: CutSockets) {
  const manager = untilTestEnds(await startServerManager({ name, transport: sockets, resume: true }));
  const waiting: ((value: string) => void)[] = [];
  const count = { calls: 0, aborted: 0 };
  const wait = (_: number, call: { signal: AbortSignal }): Promise<string> => {
    count.calls++;
    call.signal.addEventListener("abort", () => count.aborted++);
    return new Promise((resolve) => waiting.push(resolve));
  };
  serve(manager, contract, {
    wait,
    once: wait,
    async *give(items) {
      for (let at = 0; at < items; at++) yield at;
    },
    async *sum(_, call) {
      let sum = 0;
      for await (const item of call.items) sum += item;
      yield sum;
      return sum;
    },
  });
  const answer = (value: string): void => {
    for (const each of waiting.splice(0)) each(value);
  };
  return { manager, answer, calls: () => count.calls, aborted: () => count.aborted };
}

async function start(): Promise<Scene> {
  const sockets = new CutSockets();
  const serving = await startServing(sockets);
  const client = untilTestEnds(await startClient({ name, transport: sockets, resume: true, retryMs: 1 }));
  await eventually(() => expect(serving.manager.connections.size).toBe(1));
  return { ...serving, client, sockets };
}

async function resumed({ client, sockets }: Scene): Promise<void> {
  const { resumes } = client.stats;
  sockets.cut();
  await eventually(() => expect(client.stats.resumes).toBe(resumes + 1));
}

describe("over a connection that is cut and resumed", () => {
  test("a call goes on, and its handler learns nothing of it", async () => {
    const scene = await start();
    const made = rpc(scene.client).remote(contract).wait(1);
    await eventually(() => expect(scene.calls()).toBe(1));
    for (let round = 0; round < 3; round++) await resumed(scene);
    scene.answer("done");
    expect(await made).toBe("done");
    expect([scene.calls(), scene.aborted()]).toEqual([1, 0]);
  });

  test("a call that is made while there is no connection is sent by the next one", async () => {
    const scene = await start();
    const remote = rpc(scene.client).remote(contract);
    scene.sockets.cut();
    await eventually(() => expect(scene.client.status).toBe("Reconnecting"));
    const made = remote.wait(1);
    await eventually(() => expect(scene.calls()).toBe(1));
    scene.answer("done");
    expect(await made).toBe("done");
  });

  test("an answer that is given while the client is away reaches it, and the call runs once, also if it is idempotent", async () => {
    const scene = await start();
    const made = rpc(scene.client).remote(contract).once(1);
    await eventually(() => expect(scene.calls()).toBe(1));
    scene.sockets.cut();
    scene.answer("done");
    expect(await made).toBe("done");
    expect(scene.calls()).toBe(1);
  });

  test("a stream to the client gives each item once and in order", async () => {
    const scene = await start();
    const items: number[] = [];
    for await (const item of rpc(scene.client).remote(contract).give(5_000)) {
      if (item % 1_000 === 500) await resumed(scene);
      items.push(item);
    }
    expect(items).toEqual(Array.from({ length: 5_000 }, (_, at) => at));
    expect(scene.client.stats.resumes).toBe(5);
  });

  test("a stream to the server takes each item once", async () => {
    const scene = await start();
    async function* items(): AsyncGenerator<number> {
      for (let item = 1; item <= 5_000; item++) {
        if (item % 1_000 === 500) await resumed(scene);
        yield item;
      }
    }
    const run = rpc(scene.client).remote(contract).sum(undefined, { items: items() });
    expect(await run.result).toBe(12_502_500);
    expect(scene.client.stats.resumes).toBe(5);
  });

  test("a server's call to its client goes on", async () => {
    const scene = await start();
    let answer: (value: string) => void = () => {};
    let calls = 0;
    serve(scene.client, screen, {
      show: () => {
        calls++;
        return new Promise((resolve) => (answer = resolve));
      },
    });
    const [connection] = scene.manager.connections.values();
    const shown = rpc(connection as NonNullable<typeof connection>)
      .remote(screen)
      .show(1);
    await eventually(() => expect(calls).toBe(1));
    await resumed(scene);
    answer("shown");
    expect(await shown).toBe("shown");
    expect(calls).toBe(1);
  });

  test("a single-client server answers the call that it was given before", async () => {
    const sockets = new CutSockets();
    const server = untilTestEnds(await startServer({ name, transport: sockets, resume: true }));
    const waiting: ((value: string) => void)[] = [];
    serve(server, { wait: contract.wait }, { wait: () => new Promise((resolve) => waiting.push(resolve)) });
    const client = untilTestEnds(await startClient({ name, transport: sockets, resume: true, retryMs: 1 }));
    const made = rpc(client).remote(contract).wait(1);
    await eventually(() => expect(waiting).toHaveLength(1));
    sockets.cut();
    await eventually(() => expect(client.stats.resumes).toBe(1));
    waiting[0]?.("done");
    expect(await made).toBe("done");
  });

  test("a drain of the calls waits for the answer", async () => {
    const scene = await start();
    const made = rpc(scene.client).remote(contract).wait(1);
    await eventually(() => expect(scene.calls()).toBe(1));
    const closed = rpc(scene.manager).close();
    await resumed(scene);
    scene.answer("done");
    expect(await made).toBe("done");
    await closed;
  });
});

describe("after a restart of the server", () => {
  /** The server is gone with its sessions; another one listens in its place. */
  async function restart({ manager, client, sockets }: Scene) {
    manager.destroy();
    await eventually(() => expect(client.status).toBe("Reconnecting"));
    return () => startServing(sockets);
  }

  test("a call that was never sent has surely not run, and one that was sent may have", async () => {
    const scene = await start();
    const remote = rpc(scene.client).remote(contract);
    const sent = rejection(remote.wait(1));
    await eventually(() => expect(scene.calls()).toBe(1));
    const goOn = await restart(scene);
    const unsent = rejection(remote.wait(2));
    await goOn();
    expect(await sent).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe", cause: { code: "IPC_SESSION_LOST" } });
    expect(await unsent).toMatchObject({ code: "IPC_CALL_LOST", executed: "no" });
  });

  test("a stream that has given an item has surely run", async () => {
    const scene = await start();
    const items = rpc(scene.client).remote(contract).give(1_000_000)[Symbol.asyncIterator]();
    await items.next();
    const loop = rejection(
      (async () => {
        while ((await items.next()).done !== true);
      })(),
    );
    const goOn = await restart(scene);
    await goOn();
    expect(await loop).toMatchObject({ code: "IPC_CALL_LOST", executed: "yes" });
  });

  test("a layer that is made before the next connection, when the session is over, makes and serves calls over it", async () => {
    const scene = await start();
    await scene.manager.close();
    await eventually(() => expect(scene.client.status).toBe("Reconnecting"));
    serve(scene.client, screen, { show: (n) => `shows ${n}` });
    const remote = rpc(scene.client).remote(contract);
    expect(await rejection(remote.wait(1))).toMatchObject({ code: "IPC_CALL_LOST", executed: "no" });
    const waiting = remote.once(1);
    const next = await startServing(scene.sockets);
    await eventually(() => expect(next.manager.connections.size).toBe(1));
    const [connection] = next.manager.connections.values();
    expect(
      await rpc(connection as NonNullable<typeof connection>)
        .remote(screen)
        .show(7),
    ).toBe("shows 7");
    await eventually(() => expect(next.calls()).toBe(1));
    next.answer("done");
    expect(await waiting).toBe("done");
  });

  test("idempotent calls are repeated, whether they were sent or not", async () => {
    const scene = await start();
    const remote = rpc(scene.client).remote(contract);
    const sent = remote.once(1);
    await eventually(() => expect(scene.calls()).toBe(1));
    const goOn = await restart(scene);
    const unsent = remote.once(2);
    const next = await goOn();
    await eventually(() => expect(next.calls()).toBe(2));
    next.answer("from the next server");
    expect(await Promise.all([sent, unsent])).toEqual(["from the next server", "from the next server"]);
  });
});
