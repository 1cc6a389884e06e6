import { describe, expect, test } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { rejection } from "../../test/both-sides.js";
import { collect, during, expectNothingLeft } from "../../test/during.js";
import { type FakePeer, fakePair, settle } from "../../test/fake-peer.js";
import { pass } from "../../test/pass-time.js";
import type { Remote } from "../calls/remote-types.js";
import { method, stream } from "../contract/method.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const contract = {
  sum: stream<void, never, number, number>(),
  upload: method<void, number>(),
  double: stream<void, number, string, number>(),
  count: stream<number, never, number, number>(),
  ping: method<void, string>(),
};

interface Scene {
  readonly pair: ReturnType<typeof fakePair>;
  readonly caller: FakePeer;
  readonly callee: FakePeer;
  readonly api: Remote<typeof contract>;
  /** How the loops of `sum` have ended: "complete", or the code of the error. */
  readonly loops: unknown[];
}

type Side = "client" | "server";

/** @param held what the loop of `sum` awaits after each item, and that of `count` after as many as its input says */
function sceneOf(by: Side, to: Side, held?: Promise<void>): Scene {
  const pair = fakePair();
  const { [by]: caller, [to]: callee } = pair;
  const loops: unknown[] = [];
  rpc(callee, { logger: { error() {} } });
  serve(callee, contract, {
    ping: () => "pong",
    count: async (until, call) => {
      let count = 0;
      for await (const _item of call.items) if (++count === until) await held;
      return count;
    },
    sum: async (_, call) => {
      let sum = 0;
      try {
        for await (const item of call.items) {
          sum += item;
          await held;
        }
        loops.push("complete");
      } catch (error) {
        loops.push((error as { readonly code?: unknown }).code);
      }
      return sum;
    },
    upload: async (_, call) => {
      for await (const _item of call.items as AsyncIterable<unknown>) break;
      return 1;
    },
    async *double(_, call) {
      for await (const item of call.items) yield item * 2;
      return "doubled";
    },
  });
  return { pair, caller, callee, api: rpc(caller).remote(contract), loops };
}

describe.each([
  ["client", "server"],
  ["server", "client"],
] as const)("a stream from a %s that calls", (by, to) => {
  const scene = (held?: Promise<void>): Scene => sceneOf(by, to, held);

  test("is read to its end by the handler", async () => {
    const { pair, api, loops } = scene();
    expect(await during(pair, api.sum(undefined, { items: [1, 2, 3] }))).toBe(6);
    expect(loops).toEqual(["complete"]);
    await expectNothingLeft(pair);
  });

  test("is sent as it was called, although its iterator makes another call first", async () => {
    const { pair, api } = scene();
    let inner: Promise<string> | undefined;
    const items = {
      [Symbol.asyncIterator]() {
        inner = api.ping();
        return [1, 2][Symbol.iterator]() as unknown as AsyncIterator<number>;
      },
    };
    expect(await during(pair, api.sum(undefined, { items }))).toBe(3);
    expect(await inner).toBe("pong");
    await expectNothingLeft(pair);
  });

  test("runs in both directions at once", async () => {
    const { pair, api } = scene();
    const run = api.double(undefined, { items: Array.from({ length: 500 }, (_, at) => at) });
    expect(await during(pair, collect(run))).toEqual(Array.from({ length: 500 }, (_, at) => at * 2));
    expect(await run.result).toBe("doubled");
    await expectNothingLeft(pair);
  });

  test.each([10, 2_000])(
    "is pulled only as fast as the handler reads, which stops after %s items, and other calls pass it",
    async (until) => {
      let goOn = (): void => {};
      const { pair, callee, api } = scene(
        new Promise((resolve) => {
          goOn = resolve;
        }),
      );
      let pulled = 0;
      function* items(): Generator<number> {
        while (pulled < 7_000) yield ++pulled;
      }
      const call = api.count(until, { items: items() });
      await settle(pair);
      const stoppedAt = pulled;
      const { unreadBytes } = rpc(callee).stats;
      // The window is 16 384 bytes at first, and opens up to 262 144 while it is read; an item costs 64.
      expect(unreadBytes).toBeLessThanOrEqual(until === 10 ? 16_384 + 64 * until : 262_144);
      expect(stoppedAt).toBeGreaterThan(until);
      expect(stoppedAt).toBeLessThanOrEqual(until + unreadBytes / 64 + 1);
      for (let at = 0; at < 10; at++) expect(await during(pair, api.ping())).toBe("pong");
      expect([pulled, rpc(callee).stats.unreadBytes]).toEqual([stoppedAt, unreadBytes]);
      goOn();
      expect(await during(pair, call)).toBe(7_000);
      await expectNothingLeft(pair);
    },
  );

  test("stops at its window, and its generator returns, when the handler answers after one item", async () => {
    const { pair, api } = scene();
    let pulled = 0;
    let returned = 0;
    async function* items(): AsyncGenerator<number> {
      try {
        for (;;) yield pulled++;
      } finally {
        returned++;
      }
    }
    const call = api.upload(undefined, { items: items() } as never);
    expect(await during(pair, call)).toBe(1);
    await settle(pair);
    expect(pulled).toBeLessThanOrEqual(16_384 / 64 + 2);
    expect(returned).toBe(1);
    await expectNothingLeft(pair);
  });

  test("rejects with its generator's error, and so does the handler's loop", async () => {
    const { pair, api, loops } = scene();
    async function* items(): AsyncGenerator<number> {
      yield 1;
      throw new Error("no more");
    }
    expect(await during(pair, rejection(api.sum(undefined, { items: items() })))).toEqual(new Error("no more"));
    await expectNothingLeft(pair);
    expect(loops).toEqual(["IPC_ABORTED"]);
  });

  test("rejects the handler's loop when its generator throws undefined, too", async () => {
    const { pair, api, loops } = scene();
    const items = { [Symbol.asyncIterator]: () => ({ next: (): Promise<never> => Promise.reject() }) };
    const outcome = api.sum(undefined, { items }).then(
      () => "resolved",
      (error: unknown) => error,
    );
    expect(await during(pair, outcome)).toBeUndefined();
    await expectNothingLeft(pair);
    expect(loops).toEqual(["IPC_ABORTED"]);
  });

  test.each([
    ["its signal aborts", "IPC_ABORTED"],
    ["its deadline passes", "IPC_TIMED_OUT"],
    ["the connection is lost", "IPC_CALL_LOST"],
  ])(
    "rejects the handler's loop, though it was sent to its end, when %s before the loop has read all",
    async (when, code) => {
      const advance = stopClock();
      let goOn = (): void => {};
      const { pair, caller, api, loops } = scene(
        new Promise((resolve) => {
          goOn = resolve;
        }),
      );
      const abort = new AbortController();
      const call = rejection(api.sum(undefined, { items: [1, 2, 3], signal: abort.signal, timeoutMs: 1_000 }));
      await settle(pair);
      expect(caller.sent.at(-1)?.kind).toBe(KIND.end);
      if (code === "IPC_ABORTED") abort.abort();
      else if (code === "IPC_TIMED_OUT") await pass(advance, 1_001);
      else for (const peer of [pair.client, pair.server]) peer.lose("Disconnected");
      expect(await call, when).toMatchObject({ code });
      await settle(pair);
      goOn();
      await settle(pair);
      expect(loops).toEqual([code]);
      await expectNothingLeft(pair);
    },
  );

  test("rejects a loop that the handler leaves running after its answer", async () => {
    const pair = fakePair();
    const { [by]: caller, [to]: callee } = pair;
    let loop: Promise<unknown[]> | undefined;
    serve(
      callee,
      { sum: contract.upload },
      {
        sum: (_, call) => {
          loop = collect(call.items);
          loop.catch(() => {});
          return 1;
        },
      },
    );
    const items = { items: [1, 2] } as never;
    expect(await during(pair, rpc(caller).remote({ sum: contract.upload }).sum(undefined, items))).toBe(1);
    expect(await rejection(loop ?? Promise.resolve())).toMatchObject({ code: "IPC_ABORTED" });
  });

  test.each(["IPC_CONNECTION_LOST", "IPC_QUEUE_FULL"])(
    "rejects with its generator's error when that is %s from another connection, too",
    async (code) => {
      const { pair, caller, api } = scene();
      const foreign = Object.assign(new Error("another peer"), { code });
      async function* items(): AsyncGenerator<number> {
        yield 1;
        throw foreign;
      }
      expect(await during(pair, rejection(api.sum(undefined, { items: items() })))).toBe(foreign);
      expect(caller.status).toBe("Connected");
      await expectNothingLeft(pair);
    },
  );

  test.each(["IPC_QUEUE_FULL", "IPC_MESSAGE_TOO_LARGE"])(
    "rejects with %s when the peer accepts no item",
    async (code) => {
      const { pair, caller, api } = scene();
      async function* items(): AsyncGenerator<number> {
        yield 1;
        caller.refuses = code;
        yield 2;
      }
      const call = rejection(api.sum(undefined, { items: items() }));
      expect(await during(pair, call)).toMatchObject({ code, executed: "maybe" });
    },
  );

  test("rejects with a TypeError for an item that cannot be sent", async () => {
    const { pair, api } = scene();
    const call = api.sum(undefined, { items: [1, 2n as never] });
    expect(await during(pair, rejection(call))).toBeInstanceOf(TypeError);
    await expectNothingLeft(pair);
  });

  test("rejects with IPC_MESSAGE_TOO_LARGE for an item of more than 262 144 bytes", async () => {
    const { pair, api } = scene();
    const call = api.sum(undefined, { items: ["x".repeat(262_143) as never] });
    expect(await during(pair, rejection(call))).toMatchObject({ code: "IPC_MESSAGE_TOO_LARGE" });
    await expectNothingLeft(pair);
  });
});
