import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import { keepUncaught } from "../../../../internal/testkit/src/uncaught-exceptions.js";
import { answer } from "../../test/answer.js";
import { rejection } from "../../test/both-sides.js";
import { collect, during } from "../../test/during.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import { type CallEvent, handleChannel } from "../tracing.js";
import { type FrameParts, KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

describe("the tracing channels", () => {
  const contract = { get: method<number, number>(), watch: stream<number, number, string>() };

  function record(channel: string, at: (event: CallEvent) => void = () => {}): string[] {
    const log: string[] = [];
    for (const part of ["start", "end", "asyncStart", "asyncEnd", "error"]) {
      const listener = (message: unknown): void => {
        const event = message as CallEvent;
        if (part === "start") at(event);
        log.push(`${part} ${event.method} ${event.outcome ?? ""}`.trim());
      };
      subscribe(`tracing:ipc.${channel}:${part}`, listener);
      onTestFinished(() => void unsubscribe(`tracing:ipc.${channel}:${part}`, listener));
    }
    return log;
  }

  function scene(): { pair: ReturnType<typeof fakePair>; metas: unknown[] } {
    const pair = fakePair();
    const metas: unknown[] = [];
    rpc(pair.server, { logger: { error() {} } });
    serve(pair.server, contract, {
      get: (value, call) => {
        metas.push({ ...call.meta });
        if (value < 0) throw new Error("negative");
        return value;
      },
      async *watch(count) {
        for (let at = 0; at < count; at++) yield at;
        return "end";
      },
    });
    return { pair, metas };
  }

  test("report how a call began and ended, and let a subscriber add to its meta", async () => {
    const events: CallEvent[] = [];
    const calls = record("call", (event) => {
      event.meta["traceparent"] = "00-1";
      events.push(event);
    });
    const handles = record("handle");
    const { pair, metas } = scene();
    const api = rpc(pair.client).remote(contract);
    await answer(pair, api.get(7, { meta: { tenant: "a" } }));
    expect(metas).toEqual([{ tenant: "a", traceparent: "00-1" }]);
    expect(calls).toEqual(["start get", "end get", "asyncStart get ok", "asyncEnd get ok"]);
    expect(handles).toEqual(["start get", "end get", "asyncStart get ok", "asyncEnd get ok"]);
    expect(events[0]).toMatchObject({ kind: "unary", id: 1, remote: "fake", executed: "yes", bytes: 2, items: 0 });
  });

  test("report the calls that reach no handler, with their answers", async () => {
    const events: CallEvent[] = [];
    const handles = record("handle", (event) => void events.push(event));
    const { pair } = scene();
    const { server } = pair;
    const call = (id: number, name: string, more: Partial<FrameParts> = {}): void => {
      server.receive({ kind: KIND.call, id, name: Buffer.from(name), payload: "7", ...more });
    };
    call(1, "none", { number: 30_000, meta: Buffer.from('{"traceparent":"00-1"}') });
    call(3, "get", { meta: Buffer.from("[1]") });
    server.drain();
    call(5, "watch");
    expect(handles.filter((line) => line.includes("none"))).toEqual([
      "start none",
      "end none",
      "error none ipc.unknown-method",
      "asyncStart none ipc.unknown-method",
      "asyncEnd none ipc.unknown-method",
    ]);
    const common = { remote: "fake", executed: "no", bytes: 1, items: 0, meta: {} };
    expect(events).toMatchObject([
      {
        ...common,
        method: "none",
        kind: "unknown",
        id: 1,
        deadlineMs: 30_000,
        meta: { traceparent: "00-1" },
        error: { code: "ipc.unknown-method" },
      },
      { ...common, method: "get", kind: "unary", id: 3, deadlineMs: 0, outcome: "ipc.bad-input" },
      { ...common, method: "watch", kind: "stream", id: 5, deadlineMs: 0, outcome: "ipc.closing" },
    ]);
  });

  test("report one-way calls as executed: maybe", async () => {
    const events: CallEvent[] = [];
    const calls = record("call", (event) => void events.push(event));
    const { pair, metas } = scene();
    await answer(pair, rpc(pair.client).remote(contract).get(7, { oneWay: true }));
    expect(metas).toEqual([{}]);
    expect(calls).toEqual(["start get", "end get", "asyncStart get ok", "asyncEnd get ok"]);
    expect(events).toMatchObject([{ executed: "maybe", deadlineMs: 0, bytes: 1, items: 0 }]);
  });

  test("report that a call was not made when a subscriber's meta is too large", async () => {
    const calls = record("call", (event) => {
      event.meta["baggage"] = "x".repeat(5_000);
    });
    const { pair } = scene();
    const failure = rejection(rpc(pair.client).remote(contract).get(7));
    expect(await failure).toMatchObject({ name: "RangeError", message: expect.stringContaining("get: `meta`") });
    expect(calls).toEqual(["start get", "end get", "error get error", "asyncStart get error", "asyncEnd get error"]);
  });

  test.each([true, false])(
    "leave an unawaited rejection unhandled, as without a subscriber (subscribed: %s)",
    async (has) => {
      const unhandled = keepUncaught();
      if (has) record("call");
      const { pair } = scene();
      void rpc(pair.client).remote(contract).get(-1);
      await settle(pair);
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).toEqual([expect.objectContaining({ code: "ipc.internal" })]);
    },
  );

  test("raise no unhandled rejection for a stream that is only iterated", async () => {
    const unhandled = keepUncaught();
    record("call");
    const { pair } = scene();
    const items = rpc(pair.client).remote(contract).watch(1)[Symbol.asyncIterator]();
    pair.client.lose("Reconnecting");
    expect(await rejection(items.next())).toMatchObject({ code: "IPC_CALL_LOST" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  });

  test("report why a call failed, and count the items of a stream", async () => {
    const events: CallEvent[] = [];
    const calls = record("call", (event) => void events.push(event));
    const handles = record("handle");
    const { pair } = scene();
    const api = rpc(pair.client).remote(contract);
    await answer(pair, rejection(api.get(-1)));
    await answer(pair, api.watch(5));
    expect(calls).toContain("error get ipc.internal");
    expect(handles).toContain("error get ipc.internal");
    expect(events[0]).toMatchObject({ outcome: "ipc.internal", executed: "yes" });
    expect(events[1]).toMatchObject({ kind: "stream", outcome: "ok", items: 5, bytes: 1 + 5 + 5 });
  });

  test("run handlers, generators, middleware and the readers of uploads within the stores that are bound to `start`", async () => {
    const store = new AsyncLocalStorage<string>();
    handleChannel.start.bindStore(store, ({ method: name, meta }) => `${name} of ${meta["tenant"]}`);
    onTestFinished(() => void handleChannel.start.unbindStore(store));
    const pair = fakePair();
    const seen: unknown[] = [];
    const see = (where: string): void => void seen.push([where, store.getStore()]);
    const traced = { ...contract, put: stream<void, never, number, number>() };
    const use = async (_: unknown, next: () => Promise<unknown>): Promise<unknown> => {
      see("before");
      const output = await next();
      see("after");
      return output;
    };
    serve(
      pair.server,
      traced,
      { use: [use] },
      {
        get: async (value) => {
          see("handler");
          await null;
          see("handler later");
          return value;
        },
        async *watch(count) {
          for (let at = 0; at < count; at++) {
            see("generator");
            yield at;
          }
          return "end";
        },
        put: async (_, call) => {
          let sum = 0;
          for await (const item of call.items) {
            see("upload");
            sum += item;
          }
          return sum;
        },
      },
    );
    const api = rpc(pair.client).remote(traced);
    const expectSeen = async (where: readonly string[], value: string): Promise<void> => {
      await settle(pair);
      expect(seen.splice(0)).toEqual(where.map((each) => [each, value]));
    };
    const got = api.get(7, { meta: { tenant: "a" } });
    await expectSeen(["before", "handler", "handler later", "after"], "get of a");
    const watched = api.watch(300, { meta: { tenant: "b" } });
    // Its reader comes later, in a context of its own, than the first items that the window allows.
    await settle(pair);
    expect(await during(pair, collect(watched))).toHaveLength(300);
    await expectSeen(["before", ...Array.from({ length: 300 }, () => "generator"), "after"], "watch of b");
    const items = (async function* () {
      yield 1;
      await settle(pair);
      yield 2;
    })();
    const put = during(pair, api.put(undefined, { items, meta: { tenant: "c" } }));
    expect(await Promise.all([got, put])).toEqual([7, 3]);
    await expectSeen(["before", "upload", "upload", "after"], "put of c");
    expect(store.getStore()).toBeUndefined();
  });

  test("report the bytes and items of the calls that are handled", async () => {
    const events: CallEvent[] = [];
    record("handle", (event) => void events.push(event));
    const { pair } = scene();
    const put = { put: stream<void, never, number, number>() };
    serve(pair.server, put, { put: async (_, call) => (await collect(call.items)).length });
    const remote = rpc(pair.client);
    await answer(pair, remote.remote(contract).get(7, { timeoutMs: 0 }));
    await answer(pair, remote.remote(contract).watch(5));
    await during(pair, remote.remote(put).put(undefined, { items: [10, 20, 30] }));
    const common = {
      name: "fake",
      remote: "fake",
      deadlineMs: 0,
      outcome: "ok",
      executed: "yes",
      meta: {},
      error: undefined,
    };
    expect(events).toEqual([
      { ...common, method: "get", kind: "unary", id: 1, bytes: 1 + 1, items: 0 },
      { ...common, method: "watch", kind: "stream", id: 3, bytes: 1 + 5 + 5, items: 5 },
      { ...common, method: "put", kind: "stream", id: 5, bytes: 3 * 2 + 1, items: 3 },
    ]);
  });
});
