import { describe, expect, test } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { answer } from "../../test/answer.js";
import { rejection } from "../../test/both-sides.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { pass } from "../../test/pass-time.js";
import { method, stream } from "../contract/method.js";
import type { StandardSchema } from "../contract/standard-schema.js";
import type { AnyCall } from "../serve/handler-types.js";
import { FLAG, KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const isNumber: StandardSchema<number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) => (typeof value === "number" ? { value } : { issues: [{ message: "no number" }] }),
  },
};
const contract = {
  run: method<string, string>(),
  sum: method({ takes: isNumber, output: isNumber }),
  raw: stream<string, string>(),
};

/** A server whose handler `run`, and whose middleware if there is any, do what the test wants. */
function scene(run: (call: AnyCall) => unknown, before?: (call: AnyCall, next: () => Promise<unknown>) => unknown) {
  const pair = fakePair();
  const log: string[] = [];
  rpc(pair.server, { logger: { error: (text) => log.push(text) } });
  const use = before && [async (call: AnyCall, next: () => Promise<unknown>) => before(call, next)];
  serve(pair.server, contract, { ...(use && { use }) } as object, {
    run: (_, call) => run(call as AnyCall) as string,
    sum: async (_, call) => {
      let sum = 0;
      for await (const item of call.items) sum += item;
      return sum;
    },
    async *raw(_, call) {
      yield "item";
      await run(call as AnyCall);
    },
  });
  return { pair, log, api: rpc(pair.client).remote(contract) };
}

const never = (): Promise<never> => new Promise(() => {});
const fail = (code: string) => (call: AnyCall) => call.fail(code, undefined);

describe("`executed` is", () => {
  test("yes when the handler has read an invalid item of the caller", async () => {
    const { pair, api } = scene(never);
    const call = api.sum(undefined, { items: [1, "2" as never] });
    expect(await answer(pair, rejection(call))).toMatchObject({ code: "ipc.bad-input", executed: "yes" });
  });

  test.each([
    ["no", "an input", { payload: "{" }, undefined],
    ["yes", "an item", { flags: FLAG.items }, "{"],
  ])("%s when %s cannot be decoded", async (executed, _what, call, item) => {
    const { pair } = scene(never);
    const made = rejection(
      rpc(pair.client)
        .remote(contract)
        .sum(undefined, { items: [1] }),
    );
    // The client's frame is not delivered: another call takes its place.
    pair.client.lose("Connected");
    pair.server.receive({ kind: KIND.call, flags: 0, id: 1, name: Buffer.from("sum"), ...call });
    if (item !== undefined) pair.server.receive({ kind: KIND.item, id: 1, payload: item });
    expect(await answer(pair, made)).toMatchObject({ code: "ipc.codec", executed });
  });

  test("maybe when unread items past 16 MiB end a running call", async () => {
    const { pair, api } = scene(never);
    const items = Array.from({ length: 70 }, () => "x".repeat(250_000));
    const calls = items.map((item) => api.run("", { items: [item] } as object).catch((error: unknown) => error));
    await settle(pair);
    const last = await calls.at(-1);
    expect(last).toMatchObject({ code: "ipc.busy", executed: "maybe" });
  });

  test("no when `close` times out before the handler was called", async () => {
    const advance = stopClock();
    const { pair, api } = scene(never, never);
    const call = rejection(api.run(""));
    await settle(pair);
    const closed = rpc(pair.server).close({ timeoutMs: 10 });
    await pass(advance, 11);
    await closed;
    expect(await answer(pair, call)).toMatchObject({ code: "ipc.closing", executed: "no" });
  });

  test.each([
    ["no", "fails before", async (call: AnyCall) => call.fail("DENIED", 1), "DENIED"],
    [
      "yes",
      "fails after",
      async (call: AnyCall, next: () => Promise<unknown>) => call.fail("LATE", await next()),
      "LATE",
    ],
    ["no", "throws before", () => Promise.reject(new Error("broken")), "ipc.internal"],
  ])("%s when middleware %s the handler was called", async (executed, _when, before, code) => {
    const { pair, api } = scene(() => "done", before);
    expect(await answer(pair, rejection(api.run("")))).toMatchObject({ code, executed });
  });

  test.each(["run", "raw"] as const)("yes when the handler of `%s` fails", async (name) => {
    const { pair, api } = scene(fail("OWN"));
    expect(await answer(pair, rejection(api[name]("")))).toMatchObject({ code: "OWN", executed: "yes" });
  });
});

describe("`call.fail`", () => {
  test.each(["ipc.busy", "ipc.closing", "ipc.mine", "", "x".repeat(65)])(
    "turns the code %j into `ipc.internal`",
    async (code) => {
      const { pair, api, log } = scene(fail(code));
      expect(await answer(pair, rejection(api.run("")))).toMatchObject({ code: "ipc.internal", executed: "yes" });
      expect(log).toEqual([expect.stringContaining("TypeError: run: `fail` takes a code of 1 … 64 bytes")]);
    },
  );

  test("sends a code of 64 bytes", async () => {
    const { pair, api } = scene(fail("x".repeat(64)));
    expect(await answer(pair, rejection(api.run("")))).toMatchObject({ code: "x".repeat(64) });
  });
});

describe("an error answer with `executed`", () => {
  test.each([
    ["ipc.busy", undefined, "no"],
    ["ipc.closing", undefined, "no"],
    ["ipc.cancelled", undefined, "maybe"],
    ["ipc.deadline", undefined, "maybe"],
    ["ipc.flow", undefined, "maybe"],
    ["ipc.bad-output", undefined, "yes"],
    ["OWN", undefined, "yes"],
    ["ipc.busy", "maybe", "maybe"],
    ["ipc.internal", "no", "no"],
    ["ipc.flow", "yes", "yes"],
    ["ipc.busy", "perhaps", "no"],
    ["OWN", 1, "yes"],
  ])("and the code %s, %j, gives the caller %s", async (code, said, executed) => {
    const pair = fakePair();
    const call = rejection(rpc(pair.client).remote(contract).run("", { timeoutMs: 0 }));
    const payload = JSON.stringify({ message: "x", executed: said });
    pair.client.receive({ kind: KIND.error, id: 1, name: Buffer.from(code), payload });
    expect(await call).toMatchObject({ code, executed });
  });

  test.each([
    ["before the handler was called", "ipc.closing", never, '{"message":"run: the calls of this peer were closed"}'],
    [
      "after it was called",
      "ipc.closing",
      undefined,
      '{"message":"run: the calls of this peer were closed","executed":"maybe"}',
    ],
  ])("has the field only when its code does not imply it: ended %s", async (_when, code, before, payload) => {
    const { pair } = scene(never, before);
    pair.server.receive({ kind: KIND.call, id: 1, name: Buffer.from("run") });
    await settle(pair);
    await rpc(pair.server).close({ timeoutMs: 0 });
    const [frame] = pair.server.sent;
    expect({ name: frame?.name, payload: frame?.payload.toString() }).toEqual({ name: code, payload });
  });
});
