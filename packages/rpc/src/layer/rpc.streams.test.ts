import { describe, expect, test } from "vitest";
import { rejection } from "../../test/both-sides.js";
import { collect, during, expectNothingLeft } from "../../test/during.js";
import { type FakePeer, fakePair, settle } from "../../test/fake-peer.js";
import type { CallStream } from "../calls/remote-types.js";
import { method, stream } from "../contract/method.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const contract = {
  count: stream<number, number, string>(),
  bytes: stream<number, Uint8Array>(),
  fail: stream<number, number>(),
  ping: method<void, string>(),
};

interface Log {
  pulled: number;
  returned: number;
}

function sceneOf(by: "client" | "server", to: "client" | "server") {
  const pair = fakePair();
  const { [by]: caller, [to]: callee } = pair;
  const log: Log = { pulled: 0, returned: 0 };
  rpc(callee, { logger: { error() {} } });
  serve(callee, contract, {
    async *count(limit) {
      try {
        for (let at = 0; at < limit; at++) {
          log.pulled++;
          yield at;
        }
        return "all";
      } finally {
        log.returned++;
      }
    },
    async *bytes(length) {
      yield new Uint8Array(length).fill(7);
    },
    async *fail(after) {
      for (let at = 0; at < after; at++) yield at;
      throw new Error("broken");
    },
    ping: () => "pong",
  });
  return { pair, caller, api: apiOf(caller), log };
}

const apiOf = (peer: FakePeer) => rpc(peer).remote(contract);

describe.each([
  ["server", "client"],
  ["client", "server"],
] as const)("a stream from a handler of the %s", (to, by) => {
  const scene = (): ReturnType<typeof sceneOf> => sceneOf(by, to);

  test("gives its items in order, then its result", async () => {
    const { pair, api } = scene();
    const run = api.count(1_000);
    expect(await during(pair, collect(run))).toEqual(Array.from({ length: 1_000 }, (_, at) => at));
    expect(await run.result).toBe("all");
    await expectNothingLeft(pair);
  });

  test("stops at its window when its reader stops, and other calls pass it", async () => {
    const { pair, caller, api, log } = scene();
    const items = api.count(1_000_000)[Symbol.asyncIterator]();
    expect(await during(pair, items.next())).toEqual({ done: false, value: 0 });
    await settle(pair);
    expect(log.pulled).toBeLessThanOrEqual(16_384 / 64 + 1);
    expect(rpc(caller).stats.unreadBytes).toBeLessThanOrEqual(16_384);
    expect(await during(pair, api.ping())).toBe("pong");
    await items.return?.();
    await expectNothingLeft(pair);
  });

  test("opens its window up to `windowBytes` while it is read", async () => {
    const { pair, caller, api } = scene();
    await during(pair, collect(api.count(20_000)));
    const grants = caller.sent.filter(({ kind }) => kind === KIND.credit).map(({ number }) => number);
    expect(grants[0]).toBe(8_192 + 16_384);
    expect(grants.at(-1)).toBe(131_072);
  });

  test("ends the generator when the reader leaves the loop, and its result rejects", async () => {
    const { pair, caller, api, log } = scene();
    const run = api.count(1_000_000);
    await during(
      pair,
      (async () => {
        for await (const item of run) if (item === 2) break;
      })(),
    );
    await settle(pair);
    expect(log.returned).toBe(1);
    expect(await rejection(run.result)).toMatchObject({ code: "IPC_ABORTED", executed: "maybe" });
    expect(caller.sent.filter(({ kind }) => kind === KIND.cancel)).toHaveLength(1);
    await expectNothingLeft(pair);
  });

  test("ends the generator when the loop throws", async () => {
    const { pair, api, log } = scene();
    const loop = (async () => {
      for await (const _item of api.count(1_000_000)) throw new Error("mine");
    })();
    expect(await during(pair, rejection(loop))).toEqual(new Error("mine"));
    await settle(pair);
    expect(log.returned).toBe(1);
    await expectNothingLeft(pair);
  });

  test.each([
    ["the call", (run: CallStream<number, string>) => run],
    ["`result`", (run: CallStream<number, string>) => run.result],
    ["`result`, by `catch`,", (run: CallStream<number, string>) => run.result.catch(() => "failed")],
    ["`result`, by `finally`,", (run: CallStream<number, string>) => run.result.finally(() => {})],
  ])("drops its items when only %s is awaited, also past its window", async (_what, awaited) => {
    const { pair, api } = scene();
    expect(await during(pair, Promise.resolve(awaited(api.count(10_000))))).toBe("all");
    await expectNothingLeft(pair);
  });

  test("keeps its items when `result` is only read, or awaited in the tick in which the loop begins", async () => {
    const { pair, api } = scene();
    const taken = api.count(1_000);
    const { result } = taken;
    await settle(pair);
    expect(await during(pair, collect(taken))).toHaveLength(1_000);
    expect(await result).toBe("all");
    const awaited = api.count(1_000);
    const end = awaited.result.then(String);
    expect(await during(pair, collect(awaited))).toHaveLength(1_000);
    expect(await end).toBe("all");
  });

  test("throws a TypeError for a loop that begins after items were dropped, which would look complete", async () => {
    const { pair, api } = scene();
    const run = api.count(1_000);
    expect(await during(pair, run.result)).toBe("all");
    expect(await rejection(collect(run))).toEqual(
      new TypeError("items were dropped, because the call was awaited before its loop began; begin the loop first"),
    );
    const empty = api.count(0);
    await during(pair, empty.result);
    expect(await collect(empty)).toEqual([]);
  });

  test("rejects its loop with the error after the items before it, and never as an unhandled rejection", async () => {
    const { pair, api } = scene();
    const items: unknown[] = [];
    const loop = (async () => {
      for await (const item of api.fail(3)) items.push(item);
    })();
    expect(await during(pair, rejection(loop))).toMatchObject({ code: "ipc.internal" });
    expect(items).toEqual([0, 1, 2]);
    await expectNothingLeft(pair);
  });

  test("leaves the connection and the other streams open when it fails", async () => {
    const { pair, api } = scene();
    const [failed, counted] = await during(pair, Promise.allSettled([collect(api.fail(1)), collect(api.count(500))]));
    expect(failed).toMatchObject({ status: "rejected" });
    expect(counted).toMatchObject({ status: "fulfilled", value: { length: 500 } });
  });

  test("splits bytes at 65 536, and the reader gets the parts", async () => {
    const { pair, api } = scene();
    const parts = (await during(pair, collect(api.bytes(200_000)))) as Uint8Array[];
    expect(parts.map(({ length }) => length)).toEqual([65_536, 65_536, 65_536, 3_392]);
    await expectNothingLeft(pair);
  });

  test("is an async iterable and a promise, also when only the compiler knows the contract", async () => {
    const { pair, caller } = scene();
    const api = rpc(caller).remote<typeof contract>();
    expect(await during(pair, collect(api.count(3)))).toEqual([0, 1, 2]);
    expect(await during(pair, api.ping())).toBe("pong");
  });

  test("counts against the limit of all streams until it is read, also after its end", async () => {
    const { pair, caller, api } = scene();
    const run = api.count(100);
    await settle(pair);
    expect(rpc(caller).stats).toMatchObject({ calls: 0, unreadBytes: 6_400 });
    expect(await collect(run)).toHaveLength(100);
    await expectNothingLeft(pair);
  });

  test("is complete when 1 000 run at once", async () => {
    const { pair, api } = scene();
    const sums = await during(pair, Promise.all(Array.from({ length: 1_000 }, () => collect(api.count(20)))));
    expect(sums.every(({ length }) => length === 20)).toBe(true);
    await expectNothingLeft(pair);
  });
});
