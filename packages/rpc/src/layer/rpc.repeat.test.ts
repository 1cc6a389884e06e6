import type { ConnectionSecurity } from "@ipc/session";
import { describe, expect, test } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { rejection } from "../../test/both-sides.js";
import { collect, during } from "../../test/during.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { pass } from "../../test/pass-time.js";
import { method, stream } from "../contract/method.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

describe("an idempotent call by a client", () => {
  const once = { get: method<number, string>({ idempotent: true }) };

  /** A client whose calls have reached a server that does not answer until it is told to. */
  function waiting(): { pair: ReturnType<typeof fakePair>; answer: (value: string) => void; calls: () => number } {
    const pair = fakePair();
    const answers: ((value: string) => void)[] = [];
    serve(pair.server, once, { get: () => new Promise((resolve) => answers.push(resolve)) });
    return { pair, answer: (value) => answers.at(-1)?.(value), calls: () => answers.length };
  }

  test("is repeated on the next connection", async () => {
    const { pair, answer, calls } = waiting();
    const made = rpc(pair.client).remote(once).get(1);
    await settle(pair);
    pair.client.lose("Reconnecting");
    pair.server.lose("Disconnected");
    pair.server.reconnect();
    pair.client.reconnect();
    await settle(pair);
    expect(calls()).toBe(2);
    answer("second");
    await settle(pair);
    expect(await made).toBe("second");
  });

  test("made without a connection waits for the next one", async () => {
    const { pair, answer } = waiting();
    pair.client.lose("Reconnecting");
    const made = rpc(pair.client).remote(once).get(1);
    await settle(pair);
    pair.client.reconnect();
    await settle(pair);
    answer("first");
    await settle(pair);
    expect(await made).toBe("first");
  });

  test("waits for the next connection when the server closes its calls", async () => {
    const { pair, answer } = waiting();
    void rpc(pair.server).close();
    const made = rpc(pair.client).remote(once).get(1);
    await settle(pair);
    pair.client.lose("Reconnecting");
    const next = fakePair().server;
    pair.client.other = next;
    next.other = pair.client;
    serve(next, once, { get: () => "from the next server" });
    pair.client.reconnect();
    await settle({ client: pair.client, server: next });
    expect(await made).toBe("from the next server");
    answer("never");
  });

  test.each(["closes its calls", "drains"])(
    "rejects with `ipc.closing`, without a deadline, when a server that %s keeps the connection for 30 s",
    async (how) => {
      const advance = stopClock();
      const { pair, calls } = waiting();
      if (how === "drains") pair.server.drain();
      else void rpc(pair.server).close();
      const made = rejection(rpc(pair.client).remote(once).get(1, { timeoutMs: 0 }));
      await settle(pair);
      await pass(advance, 29_990);
      expect(rpc(pair.client).stats.calls).toBe(1);
      await pass(advance, 20);
      expect(await made).toMatchObject({ code: "ipc.closing", executed: "no" });
      expect([calls(), rpc(pair.client).stats.calls]).toEqual([0, 0]);
    },
  );

  test("waits without limit, without a deadline, after the connection of a closing server has ended", async () => {
    const advance = stopClock();
    const { pair } = waiting();
    void rpc(pair.server).close();
    const made = rpc(pair.client).remote(once).get(1, { timeoutMs: 0 });
    await settle(pair);
    pair.client.lose("Reconnecting");
    await pass(advance, 100_000);
    const next = fakePair().server;
    pair.client.other = next;
    next.other = pair.client;
    serve(next, once, { get: () => "from the next server" });
    pair.client.reconnect();
    await settle({ client: pair.client, server: next });
    expect(await made).toBe("from the next server");
    expect(next.other.sent.at(-1)).toMatchObject({ kind: KIND.call, number: 0 });
  });

  test.each(["is lost", "has refused the call"])(
    "is cancelled when it aborts after its repetition, which was queued as the call was when the connection %s",
    async (order) => {
      const { pair, calls } = waiting();
      pair.client.holds = true;
      const abort = new AbortController();
      const made = rejection(rpc(pair.client).remote(once).get(1, { signal: abort.signal }));
      if (order === "has refused the call") {
        pair.client.refuseWaiting("IPC_CONNECTION_LOST");
        await settle(pair);
      }
      pair.client.lose("Reconnecting");
      await settle(pair);
      pair.client.reconnect();
      pair.client.accept();
      pair.client.holds = false;
      await settle(pair);
      expect(calls()).toBe(1);
      abort.abort();
      expect(await made).toMatchObject({ code: "IPC_ABORTED", executed: "maybe" });
      expect(pair.client.sent.map(({ kind }) => kind)).toEqual([KIND.call, KIND.cancel]);
    },
  );

  test("keeps its deadline, and waits for no connection after it", async () => {
    const advance = stopClock();
    const { pair } = waiting();
    const made = rejection(rpc(pair.client).remote(once).get(1, { timeoutMs: 100 }));
    await settle(pair);
    pair.client.lose("Reconnecting");
    await pass(advance, 60);
    pair.client.reconnect();
    await settle(pair);
    expect(pair.client.sent.at(-1)).toMatchObject({ kind: KIND.call, number: 40 });
    await pass(advance, 60);
    expect(await made).toMatchObject({ code: "IPC_TIMED_OUT", executed: "maybe" });
  });

  const key = { publicKey: "key" } as unknown as NonNullable<ConnectionSecurity["peer"]["key"]>;

  test.each<[what: string, before: ConnectionSecurity, now: ConnectionSecurity]>([
    ["no PSK", { mode: "secure", peer: { psk: true } }, { mode: "secure", peer: { psk: false } }],
    ["no key", { mode: "secure", peer: { psk: false, key } }, { mode: "secure", peer: { psk: false } }],
    ["the PSK, less securely", { mode: "secure", peer: { psk: true } }, { mode: "compatible", peer: { psk: true } }],
    ["nothing, in the clear", { mode: "compatible", peer: { psk: false } }, { mode: "plain", peer: { psk: false } }],
  ])("is not repeated to a server that has proved less: %s", async (_what, before, now) => {
    const { pair, calls } = waiting();
    pair.client.security = before;
    const made = rejection(rpc(pair.client).remote(once).get(1));
    await settle(pair);
    pair.client.lose("Reconnecting");
    pair.client.security = now;
    pair.client.reconnect();
    await settle(pair);
    expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    expect(calls()).toBe(1);
  });

  test("counts as possibly executed when the next server rejects it", async () => {
    const { pair } = waiting();
    const made = rejection(rpc(pair.client).remote(once).get(1));
    await settle(pair);
    pair.client.lose("Reconnecting");
    pair.client.reconnect();
    pair.client.receive({ kind: KIND.error, id: 1, name: Buffer.from("ipc.busy") });
    expect(await made).toMatchObject({ code: "ipc.busy", executed: "maybe" });
  });

  test("rejects when the client stops redialling", async () => {
    const { pair } = waiting();
    const made = rejection(rpc(pair.client).remote(once).get(1));
    await settle(pair);
    pair.client.lose("Reconnecting");
    pair.client.setStatus("Timeout");
    pair.client.emit("close");
    expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    expect(["message", "status", "close"].map((event) => pair.client.listenerCount(event))).toEqual([0, 0, 0]);
  });

  test("that is made after redialling has ended rejects", async () => {
    const { pair } = waiting();
    const api = rpc(pair.client).remote(once);
    pair.client.lose("Timeout");
    pair.client.refuses = "IPC_NO_SERVER";
    expect(await rejection(api.get(1, { timeoutMs: 0 }))).toMatchObject({ code: "IPC_CALL_LOST", executed: "no" });
    expect(rpc(pair.client).stats.calls).toBe(0);
  });

  test("of a server is not repeated, because the next client is another one", async () => {
    const pair = fakePair();
    const made = rejection(rpc(pair.server).remote(once).get(1));
    await settle(pair);
    pair.server.lose("Disconnected");
    expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
  });
});

describe("an idempotent stream of a client", () => {
  const contract = { watch: stream<number, number, string>({ idempotent: true }) };

  /** A client whose call has reached a server that gives `items` items, and then loses its connection. */
  async function lost(remote: "typed" | "untyped", items: number) {
    const pair = fakePair();
    let calls = 0;
    serve(pair.server, contract, {
      async *watch(count, call) {
        calls++;
        for (let at = 0; at < (calls === 1 ? items : count); at++) yield at;
        if (calls === 1) await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
        return `call ${calls}`;
      },
    });
    const calling = rpc(pair.client);
    const options = remote === "typed" ? {} : { idempotent: true };
    const run = (remote === "typed" ? calling.remote(contract) : calling.remote<typeof contract>()).watch(3, options);
    const loop = collect(run);
    loop.catch(() => {});
    await settle(pair);
    pair.client.lose("Reconnecting");
    pair.server.lose("Disconnected");
    pair.server.reconnect();
    pair.client.reconnect();
    return { pair, run, loop, calls: () => calls };
  }

  test.each(["typed", "untyped"] as const)("is repeated until it has given an item (%s remote)", async (remote) => {
    const { pair, run, loop } = await lost(remote, 0);
    expect(await during(pair, loop)).toEqual([0, 1, 2]);
    expect(await run.result).toBe("call 2");
  });

  test.each(["typed", "untyped"] as const)("is not repeated after its first item (%s remote)", async (remote) => {
    const { pair, run, loop, calls } = await lost(remote, 1);
    expect(await during(pair, rejection(loop))).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
    expect(await rejection(run.result)).toMatchObject({ code: "IPC_CALL_LOST" });
    expect(calls()).toBe(1);
  });

  test("with items throws a TypeError, because the items read are gone", async () => {
    const pair = fakePair();
    const upload = { put: stream<void, never, number, number>({ idempotent: true }) };
    const call = rpc(pair.client)
      .remote(upload)
      .put(undefined, { items: [1] });
    expect(await rejection(call)).toEqual(
      new TypeError("put: `items` cannot be sent again, so the call cannot be idempotent"),
    );
    expect(pair.client.sent).toEqual([]);
    void rpc(pair.client)
      .remote(upload)
      .put(undefined, { items: [1], idempotent: false });
    expect(pair.client.sent).toMatchObject([{ kind: KIND.call }]);
  });
});
