import { describe, expectTypeOf, test } from "vitest";
import { type CallStream, failed } from "../calls/remote-types.js";
import { rpc, serve } from "../layer/rpc.js";
import type { CallPeer } from "../link/call-peer.js";
import { method, stream } from "./method.js";

interface Order {
  readonly id: number;
}

const orders = {
  get: method<{ id: number }, Order, { NOT_FOUND: { id: number }; LOCKED: { by: string } }>(),
  list: method<void, Order[]>(),
  watch: stream<{ above: number }, Order, "end">(),
  upload: stream<void, never, number, Order>(),
  admin: { stop: method() },
};

/** Never called: the compiler alone judges what is in it. */
const compiles = (_use: (peer: CallPeer) => unknown): void => {};

describe("the compiler infers", () => {
  test("the parameters and the result of a remote method", () => {
    compiles((peer) => {
      const api = rpc(peer).remote(orders);
      expectTypeOf(api.get({ id: 1 })).toEqualTypeOf<Promise<Order>>();
      expectTypeOf(api.list()).toEqualTypeOf<Promise<Order[]>>();
      expectTypeOf(api.watch({ above: 1 })).toEqualTypeOf<CallStream<Order, "end">>();
      expectTypeOf(api.upload(undefined, { items: [{ id: 1 }] })).toEqualTypeOf<Promise<number>>();
      expectTypeOf(api.get({ id: 1 }, { oneWay: true })).toEqualTypeOf<Promise<void>>();
      expectTypeOf(rpc(peer).remote<typeof orders>()).toEqualTypeOf(api);
      return [api.list(undefined, { timeoutMs: 1 }), api.admin.stop("anything")];
    });
  });

  test("the parameters and the context of a handler", () => {
    compiles((peer) =>
      serve(
        peer,
        orders,
        { context: ({ id }) => ({ user: id ?? 0 }) },
        {
          get: ({ id }, call) => {
            expectTypeOf(id).toEqualTypeOf<number>();
            expectTypeOf(call.context).toEqualTypeOf<{ user: number }>();
            return call.fail("LOCKED", { by: "x" });
          },
          list: async () => [{ id: 1 }],
          async *watch({ above }, call) {
            expectTypeOf(call.items).toEqualTypeOf<AsyncIterable<never>>();
            yield { id: above };
            return "end" as const;
          },
          upload: async (_, call) => {
            let sum = 0;
            for await (const order of call.items) sum += order.id;
            return sum;
          },
          admin: { stop: () => undefined },
        },
      ),
    );
  });

  test("the data of an error from its code", () => {
    compiles(() => {
      const error: unknown = undefined;
      if (failed(error, orders.get)) {
        expectTypeOf(error.code).toEqualTypeOf<"NOT_FOUND" | "LOCKED">();
        if (error.code === "LOCKED") expectTypeOf(error.data).toEqualTypeOf<{ by: string }>();
      }
      if (failed(error)) expectTypeOf(error.code).toExtend<`ipc.${string}`>();
      return error;
    });
  });
});

describe("the compiler rejects wrong use", () => {
  test("of a remote", () => {
    compiles((peer) => {
      const api = rpc(peer).remote(orders);
      return [
        // @ts-expect-error: the input is missing
        api.get(),
        // @ts-expect-error: the input is wrong
        api.get({ id: "1" }),
        // @ts-expect-error: there is no such method
        api.put({}),
        // @ts-expect-error: there is no such option
        api.get({ id: 1 }, { timeout: 1 }),
        // @ts-expect-error: the items are missing
        api.upload(undefined),
        // @ts-expect-error: the items are wrong
        api.upload(undefined, { items: [{ id: "1" }] }),
        // @ts-expect-error: a unary method takes no items
        api.get({ id: 1 }, { items: [] }),
        // @ts-expect-error: a unary method gives no items
        api.get({ id: 1 })[Symbol.asyncIterator],
        // @ts-expect-error: a stream has an answer
        api.watch({ above: 1 }, { oneWay: true }),
      ];
    });
  });

  test("of serve", () => {
    const all = { get: () => ({ id: 1 }), list: () => [], upload: () => 1, admin: { stop() {} } };
    async function* watch(): AsyncGenerator<Order, "end", undefined> {
      yield { id: 1 };
      return "end";
    }
    compiles((peer) => {
      serve(peer, orders, { ...all, watch });
      // @ts-expect-error: the handler of `watch` is missing
      serve(peer, orders, all);
      // @ts-expect-error: `watch` gives items
      serve(peer, orders, { ...all, watch: () => "end" });
      // @ts-expect-error: the output is wrong
      serve(peer, orders, { ...all, watch, get: () => ({ id: "1" }) });
      // @ts-expect-error: there is no such option
      serve(peer, orders, { uses: [] }, { ...all, watch });
      // @ts-expect-error: the method declares no such error
      serve(peer, orders, { ...all, watch, get: (_, call) => call.fail("OTHER", {}) });
      // @ts-expect-error: the data of the error is wrong
      serve(peer, orders, { ...all, watch, get: (_, call) => call.fail("NOT_FOUND", { id: "1" }) });
    });
  });

  test("of a contract", () => {
    compiles((peer) => [
      // @ts-expect-error: a method is made by `method` or `stream`
      rpc(peer).remote({ get: () => 1 }),
      // @ts-expect-error: a schema is one of Standard Schema
      method({ input: { parse: () => 1 } }),
      // @ts-expect-error: there is no such part
      method({ inputs: undefined, output: undefined }),
    ]);
  });
});
