import { describe, expect, test } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { answer } from "../../test/answer.js";
import { rejection } from "../../test/both-sides.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { pass } from "../../test/pass-time.js";
import { method, stream } from "../contract/method.js";
import type { StandardSchema } from "../contract/standard-schema.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

/** A schema of one check; `wait` makes it asynchronous. */
function schema<T>(isValid: (value: unknown) => boolean, wait = false): StandardSchema<T> {
  const validate = (value: unknown) =>
    isValid(value) ? { value: value as T } : { issues: [{ message: "wrong", path: ["a", { key: 0 }] }] };
  return {
    "~standard": { version: 1, vendor: "test", validate: wait ? async (value) => validate(value) : validate },
  };
}
const number = (wait?: boolean): StandardSchema<number> => schema((value) => typeof value === "number", wait);

describe.each([false, true])("schemas, asynchronous: %s", (wait) => {
  const contract = {
    double: method({ input: number(wait), output: number(wait), errors: { ODD: number(wait) } }),
    give: method({ input: number(), gives: number(wait) }),
    sum: method({ takes: number(wait), output: number() }),
  };

  function scene(): { pair: ReturnType<typeof fakePair>; api: ReturnType<typeof remote>; handled: () => number } {
    const pair = fakePair();
    let handled = 0;
    rpc(pair.server, { logger: { error() {} } });
    serve(pair.server, contract, {
      double: (value, call) => {
        handled++;
        if (value === 1) call.fail("ODD", value);
        if (value === 3) call.fail("ODD", "three" as never);
        return value === 4 ? ("eight" as never) : value * 2;
      },
      async *give(count) {
        for (let at = 0; at < count; at++) yield at === 2 ? ("two" as never) : at;
      },
      sum: async (_, call) => {
        let sum = 0;
        for await (const item of call.items) sum += item;
        return sum;
      },
    });
    return { pair, api: remote(pair), handled: () => handled };
  }
  const remote = (pair: ReturnType<typeof fakePair>) => rpc(pair.client).remote(contract);

  test("accept valid values", async () => {
    const { pair, api } = scene();
    expect(await answer(pair, api.double(2))).toBe(4);
    expect(await answer(pair, api.sum(undefined, { items: [1, 2] }))).toBe(3);
  });

  test("reject an input with `ipc.bad-input` and the issues, and the handler is not called", async () => {
    const { pair, api, handled } = scene();
    expect(await answer(pair, rejection(api.double("2" as never)))).toMatchObject({
      code: "ipc.bad-input",
      executed: "no",
      data: { issues: [{ message: "wrong", path: "a.0" }] },
    });
    expect(handled()).toBe(0);
  });

  test("reject an output, an item or the data of an error with `ipc.bad-output`", async () => {
    const { pair, api } = scene();
    expect(await answer(pair, rejection(api.double(4)))).toMatchObject({ code: "ipc.bad-output", executed: "yes" });
    expect(await answer(pair, rejection(api.give(5).result))).toMatchObject({ code: "ipc.bad-output" });
    expect(await answer(pair, rejection(api.double(1)))).toMatchObject({ code: "ODD", data: 1 });
    expect(await answer(pair, rejection(api.double(3)))).toMatchObject({ code: "ipc.bad-output" });
  });

  test("reject an item of the caller with `ipc.bad-input`", async () => {
    const { pair, api } = scene();
    const call = rejection(api.sum(undefined, { items: [1, "2" as never] }));
    expect(await answer(pair, call)).toMatchObject({ code: "ipc.bad-input" });
  });
});

describe("middleware", () => {
  const contract = { get: method<string, string>(), watch: stream<number, number, string>() };

  test("runs around the handler, the first one outermost, and may change the output", async () => {
    const pair = fakePair();
    const log: string[] = [];
    serve(
      pair.server,
      contract,
      {
        context: async ({ security }) => ({ mode: security.mode }),
        use: [
          async (call, next) => {
            log.push(`before ${call.method} ${call.context.mode} ${call.meta["tenant"]}`);
            const output = await next();
            log.push(`after ${call.method}`);
            return typeof output === "string" ? `${output}!` : output;
          },
          async (_call, next) => {
            log.push("inner");
            return next();
          },
        ],
      },
      {
        get: (text, call) => `${text} ${call.context.mode}`,
        async *watch(count) {
          for (let at = 0; at < count; at++) yield at;
          return "end";
        },
      },
    );
    const api = rpc(pair.client).remote(contract);
    expect(await answer(pair, api.get("hello", { meta: { tenant: "a" } }))).toBe("hello secure!");
    expect(await answer(pair, api.watch(3, { meta: { tenant: "b" } }))).toBe("end!");
    expect(log).toEqual(["before get secure a", "inner", "after get", "before watch secure b", "inner", "after watch"]);
  });

  test("may reject a call with its own error", async () => {
    const pair = fakePair();
    serve(
      pair.server,
      contract,
      { use: [async (call) => call.fail("DENIED", { why: "anonymous" })] },
      {
        get: () => "secret",
        async *watch() {
          yield 1;
          return "";
        },
      },
    );
    const call = rejection(rpc(pair.client).remote(contract).get("x"));
    expect(await answer(pair, call)).toMatchObject({ code: "DENIED", data: { why: "anonymous" } });
  });

  test("fails the call when it calls `next` twice, and the handler runs once", async () => {
    const pair = fakePair();
    let runs = 0;
    rpc(pair.server, { logger: { error() {} } });
    const use = [async (_call: unknown, next: () => Promise<unknown>) => [await next(), await next()]];
    serve(pair.server, { get: contract.get }, { use }, { get: () => `${++runs}` });
    const call = rejection(rpc(pair.client).remote(contract).get("x"));
    expect(await answer(pair, call)).toMatchObject({ code: "ipc.internal" });
    expect(runs).toBe(1);
  });
});

describe("a call that a handler makes", () => {
  const outer = { run: method<number, string>() };
  const inner = { wait: method<void, string>() };

  test("inherits the remaining deadline", async () => {
    const advance = stopClock();
    const pair = fakePair();
    serve(pair.server, outer, {
      run: async (ms, call) => {
        advance(ms);
        return call.rpc.remote(inner).wait(undefined, { timeoutMs: 1_000 });
      },
    });
    serve(pair.client, inner, { wait: () => "waited" });
    const call = rpc(pair.client).remote(outer).run(40, { timeoutMs: 100 });
    expect(await answer(pair, call)).toBe("waited");
    expect(pair.server.sent.find(({ kind }) => kind === KIND.call)?.number).toBe(60);
  });

  test.each([0, 1_000])(
    "rejects with IPC_TIMED_OUT when its handler's deadline passes, with `timeoutMs` %i",
    async (timeoutMs) => {
      const advance = stopClock();
      const pair = fakePair();
      const inside: unknown[] = [];
      serve(pair.server, outer, {
        run: async (ms, call) => {
          advance(ms);
          inside.push(await rejection(call.rpc.remote(inner).wait(undefined, { timeoutMs })));
          return "";
        },
      });
      serve(pair.client, inner, { wait: () => new Promise(() => {}) });
      const call = rejection(rpc(pair.client).remote(outer).run(40, { timeoutMs: 100 }));
      await settle(pair);
      await pass(advance, 61);
      await call;
      const message = "wait: no answer within the 60 ms that were left of the calling handler's deadline";
      expect(inside).toEqual([expect.objectContaining({ code: "IPC_TIMED_OUT", executed: "maybe", message })]);
    },
  );

  test("by a remote made from a type alone ends after its default, and the other side is notified", async () => {
    const advance = stopClock();
    const pair = fakePair();
    const inside: unknown[] = [];
    serve(pair.server, outer, {
      run: async (_, call) => {
        inside.push(await rejection(call.rpc.remote<typeof inner>().wait()));
        return "ended";
      },
    });
    serve(pair.client, inner, { wait: () => new Promise(() => {}) });
    const call = rpc(pair.client).remote(outer).run(1, { timeoutMs: 60_000 });
    await settle(pair);
    await pass(advance, 30_001);
    expect(await answer(pair, call)).toBe("ended");
    expect(inside).toEqual([expect.objectContaining({ message: expect.stringContaining("within 30000 ms; raise") })]);
    expect(pair.server.sent).toContainEqual(expect.objectContaining({ kind: KIND.cancel }));
  });

  test("is not made after the deadline", async () => {
    const advance = stopClock();
    const pair = fakePair();
    const inside: unknown[] = [];
    serve(pair.server, outer, {
      run: async (ms, call) => {
        advance(ms);
        inside.push(await rejection(call.rpc.remote(inner).wait()));
        return new Promise((resolve) => call.signal.addEventListener("abort", () => resolve("")));
      },
    });
    const call = rejection(rpc(pair.client).remote(outer).run(200, { timeoutMs: 100 }));
    await settle(pair);
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(await call).toMatchObject({ code: "IPC_TIMED_OUT" });
    expect(inside).toEqual([expect.objectContaining({ code: "IPC_TIMED_OUT", executed: "no" })]);
  });

  test("has its deadline in milliseconds since the epoch", async () => {
    const pair = fakePair();
    const deadlines: (number | undefined)[] = [];
    serve(pair.server, outer, {
      run: (_, call) => {
        deadlines.push(call.deadline);
        return "";
      },
    });
    const api = rpc(pair.client).remote(outer);
    await answer(pair, api.run(1, { timeoutMs: 60_000 }));
    await answer(pair, api.run(1, { timeoutMs: 0 }));
    expect(deadlines[0]).toBeGreaterThan(Date.now());
    expect(deadlines[1]).toBeUndefined();
  });
});

describe("a one-way call", () => {
  const contract = { log: method<string, void>() };

  test("is handled and gets no answer", async () => {
    const pair = fakePair();
    const lines: string[] = [];
    serve(pair.server, contract, { log: (line) => void lines.push(line) });
    expect(await rpc(pair.client).remote(contract).log("hello", { oneWay: true })).toBeUndefined();
    await settle(pair);
    expect({ lines, sent: pair.server.sent }).toEqual({ lines: ["hello"], sent: [] });
    expect(rpc(pair.client).stats.calls).toBe(0);
  });

  test("rejects when it cannot be sent", async () => {
    const pair = fakePair();
    pair.client.refuses = "IPC_QUEUE_FULL";
    const call = rpc(pair.client).remote(contract).log("hello", { oneWay: true });
    expect(await rejection(call)).toMatchObject({ code: "IPC_QUEUE_FULL", executed: "no" });
  });
});
