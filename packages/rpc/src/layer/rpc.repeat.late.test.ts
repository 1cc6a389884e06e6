import type { ConnectionSecurity } from "@ipc/session";
import { describe, expect, test } from "vitest";
import { rejection } from "../../test/both-sides.js";
import { collect } from "../../test/during.js";
import { type FakePeer, fakePair, settle } from "../../test/fake-peer.js";
import type { Remote } from "../calls/remote-types.js";
import { method, stream } from "../contract/method.js";
import type { RpcError } from "../rpc-error.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

describe("a call by a listener of a message whose connection has ended, while the next one is there", () => {
  const contract = {
    once: method<void, string>({ idempotent: true }),
    get: method<void, string>(),
    watch: stream<void, number>({ idempotent: true }),
    put: stream<void, never, number, number>(),
  };

  /** Hands the message of the first connection and both statuses out at once, and returns what its listener makes. */
  async function late<T>(
    make: (api: Remote<typeof contract>) => T,
    { first, second }: { readonly first?: ConnectionSecurity; readonly second?: ConnectionSecurity } = {},
  ): Promise<{ readonly pair: ReturnType<typeof fakePair>; readonly made: T }> {
    const pair = fakePair();
    const { client, server } = pair;
    if (first !== undefined) client.security = first;
    let made: { readonly value: T } | undefined;
    const onMessage = (): void => {
      made = { value: make(rpc(client).remote(contract)) };
    };
    rpc(client, { onMessage });
    serve(server, contract, {
      once: () => "repeated",
      get: () => "never",
      async *watch() {
        yield 7;
      },
      put: () => 0,
    });
    client.pause();
    client.hand("message", client.messageOf(5, Buffer.from("news")));
    client.lose("Reconnecting");
    server.lose("Disconnected");
    if (second !== undefined) client.security = second;
    server.reconnect();
    client.reconnect();
    client.handAll();
    await settle(pair);
    if (made === undefined) throw new Error("no message was handed out");
    return { pair, made: made.value };
  }

  test("is repeated over the next one if it is idempotent", async () => {
    const { pair, made } = await late((api) => api.once(undefined, { timeoutMs: 0 }));
    expect(rpc(pair.client).stats.calls).toBe(0);
    expect(await made).toBe("repeated");
    expect(pair.client.sent.map(({ kind, name }) => [kind, name])).toEqual([[KIND.call, "once"]]);
  });

  test("is repeated over the next one if it is an idempotent stream", async () => {
    const { pair, made } = await late((api) => collect(api.watch()));
    expect(rpc(pair.client).stats.calls).toBe(0);
    expect(await made).toEqual([7]);
  });

  test("rejects as not executed if it is not idempotent", async () => {
    const { pair, made } = await late((api) =>
      Promise.all([rejection(api.get()), rejection(api.put(undefined, { items: [1] }))]),
    );
    expect(await made).toMatchObject([
      { code: "IPC_CALL_LOST", executed: "no" },
      { code: "IPC_CALL_LOST", executed: "no" },
    ]);
    expect(pair.client.sent.filter(({ kind }) => kind === KIND.call)).toEqual([]);
  });

  test("is not repeated if the next one's server has proved less than the first one's", async () => {
    const { pair, made } = await late((api) => rejection(api.once()), {
      first: { mode: "secure", peer: { psk: true } },
      second: { mode: "secure", peer: { psk: false } },
    });
    expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed: "no" });
    expect(pair.client.sent).toEqual([]);
  });

  test("waits for the third one if the next one has ended too, and the end of that is told later", async () => {
    const pair = fakePair();
    const { client, server } = pair;
    let repeated: Promise<string> | undefined;
    const onMessage = (): void => {
      repeated = rpc(client).remote(contract).once();
    };
    rpc(client, { onMessage });
    serve(server, { once: contract.once }, { once: () => "repeated" });
    // A write between two connections goes over the next one, as with `writeWhileReconnecting: "wait"`.
    const write = client.write.bind(client);
    let between = 0;
    client.write = (type, data) => {
      if (client.status !== "Connected") between++;
      return write(type, data);
    };
    client.pause();
    client.hand("message", client.messageOf(5, Buffer.from("news")));
    server.lose("Disconnected");
    client.lose("Reconnecting");
    client.reconnect();
    client.lose("Reconnecting");
    client.handAll(3);
    await settle(pair);
    expect([rpc(client).stats.calls, between]).toEqual([1, 0]);
    client.handAll();
    server.reconnect();
    client.reconnect();
    await settle(pair);
    expect([await repeated, between]).toEqual(["repeated", 0]);
  });
});

describe("a call over the next connection, while the end of one without messages still waits to be handed out,", () => {
  const contract = { once: method<void, number>({ idempotent: true }), get: method<void, number>() };

  /** A client whose call has reached the second connection's server; the call is answered after `end`. */
  async function ahead(what: keyof typeof contract, end: (client: FakePeer) => void) {
    const pair = fakePair();
    const { client, server } = pair;
    let calls = 0;
    const answers: (() => void)[] = [];
    const count = () => new Promise<number>((resolve) => answers.push(() => resolve(++calls)));
    serve(server, contract, { once: count, get: count });
    const api = rpc(client).remote(contract);
    client.pause();
    client.lose("Reconnecting");
    server.lose("Disconnected");
    server.reconnect();
    client.reconnect();
    const made = api[what]().catch(({ code, executed }: RpcError) => [code, executed]);
    await settle(pair);
    end(client);
    await settle(pair);
    for (const answer of answers) answer();
    await settle(pair);
    return { made, pair, calls: () => calls };
  }

  test.each(["once", "get"] as const)("is answered over it, and not repeated (%s)", async (what) => {
    const { made, pair, calls } = await ahead(what, (client) => client.handAll());
    expect(await made).toBe(1);
    expect([calls(), pair.client.sent.length]).toEqual([1, 1]);
  });

  test("is lost with it", async () => {
    const { made } = await ahead("get", (client) => {
      client.lose("Reconnecting");
      client.handAll();
    });
    expect(await made).toEqual(["IPC_CALL_LOST", "maybe"]);
  });

  test("is lost with it, although a third one is there", async () => {
    const { made } = await ahead("get", (client) => {
      client.lose("Reconnecting");
      client.reconnect();
      client.handAll();
    });
    expect(await made).toEqual(["IPC_CALL_LOST", "maybe"]);
  });

  test("is lost with it when both ends are handed out one after the other", async () => {
    const { made } = await ahead("get", (client) => {
      client.handAll();
      client.lose("Reconnecting");
    });
    expect(await made).toEqual(["IPC_CALL_LOST", "maybe"]);
  });
});
