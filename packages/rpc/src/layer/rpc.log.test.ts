import { describe, expect, test } from "vitest";
import { answer } from "../../test/answer.js";
import { rejection } from "../../test/both-sides.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import type { StandardSchema } from "../contract/standard-schema.js";
import type { AnyCall } from "../serve/handler-types.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const text: StandardSchema<string> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "string" ? { value } : { issues: [{ message: "a secret rule", path: ["a"] }] },
  },
};

/** Errors by which a handler heeds its signal. */
const HEEDED: readonly [what: string, make: (reason: unknown) => unknown][] = [
  ["the reason itself", (reason) => reason],
  ["an error with the reason as its cause", (cause) => new Error("stopped", { cause })],
  ["an AbortError", () => new DOMException("stopped", "AbortError")],
  [
    "an error with the reason's code",
    (reason) => Object.assign(new Error("nested"), { code: (reason as { code: string }).code }),
  ],
];

/** A server whose call `run` was ended, and that then throws what the test wants. */
async function ended(
  kind: "method" | "stream",
): Promise<{ throwIt: (make: (reason: unknown) => unknown) => Promise<string[]> }> {
  const pair = fakePair();
  const log: string[] = [];
  let reject = (_error: unknown): void => {};
  let seen: AnyCall | undefined;
  rpc(pair.server, { logger: { error: (line) => log.push(line) } });
  const wait = (call: unknown): Promise<never> => {
    seen = call as AnyCall;
    return new Promise((_resolve, no) => {
      reject = no;
    });
  };
  if (kind === "method") serve(pair.server, { run: method() }, { run: (_, call) => wait(call) });
  else {
    serve(
      pair.server,
      { run: stream() },
      {
        async *run(_, call) {
          yield await wait(call);
        },
      },
    );
  }
  pair.server.receive({ kind: KIND.call, id: 1, name: Buffer.from("run") });
  await settle(pair);
  pair.server.receive({ kind: KIND.cancel, id: 1 });
  return {
    throwIt: async (make) => {
      reject(make(seen?.signal.reason));
      await settle(pair);
      expect(pair.server.sent.map(({ name }) => name)).toEqual(["ipc.cancelled"]);
      expect(rpc(pair.server).stats.handling).toBe(0);
      return log;
    },
  };
}

describe("the logger gets", () => {
  test.each(["method", "stream"] as const)("an error that a %s throws after its call was ended", async (kind) => {
    const { throwIt } = await ended(kind);
    expect(await throwIt(() => new Error("disk full"))).toEqual([expect.stringContaining("disk full")]);
  });

  test.each(HEEDED)("nothing for %s, which only repeats that the call was ended", async (_what, make) => {
    const { throwIt } = await ended("method");
    expect(await throwIt(make)).toEqual([]);
  });

  test("nothing for an error that the method declares, when the call was ended before", async () => {
    const pair = fakePair();
    const log: string[] = [];
    rpc(pair.server, { logger: { error: (line) => log.push(line) } });
    let goOn = (): void => {};
    const isHeld = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    serve(
      pair.server,
      { run: method() },
      {
        run: async (_, call) => {
          await isHeld;
          return (call as AnyCall).fail("OWN", 1);
        },
      },
    );
    pair.server.receive({ kind: KIND.call, id: 1, name: Buffer.from("run") });
    pair.server.receive({ kind: KIND.cancel, id: 1 });
    goOn();
    await settle(pair);
    expect(log).toEqual([]);
  });

  test("an error that a generator throws in its `finally` block when its reader leaves", async () => {
    const pair = fakePair();
    const log: string[] = [];
    rpc(pair.server, { logger: { error: (line) => log.push(line) } });
    const contract = { run: stream<void, number>() };
    serve(pair.server, contract, {
      async *run() {
        try {
          for (;;) yield 1;
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: the test is about it.
          throw new Error("not closed");
        }
      },
    });
    const items = rpc(pair.client).remote(contract).run()[Symbol.asyncIterator]();
    await answer(pair, items.next());
    await items.return?.();
    await settle(pair);
    expect(log).toEqual([expect.stringContaining("not closed")]);
    expect(rpc(pair.server).stats.handling).toBe(0);
  });
});

describe("a handler's value that its own schema rejects", () => {
  const contract = {
    output: method({ output: text }),
    item: method({ gives: text }),
    data: method({ errors: { ODD: text } }),
  };

  test.each([
    ["output", "output: a secret rule at `a`", {}],
    ["item", "item: a secret rule at `a`", {}],
    ["data", "data of ODD: a secret rule at `a`", {}],
    ["output", "output: a secret rule at `a`", { exposeErrors: true }],
  ] as const)(
    "(%s) becomes `ipc.bad-output`: the log has the issue, and the caller only with %j",
    async (name, issue, options) => {
      const pair = fakePair();
      const log: string[] = [];
      rpc(pair.server, { logger: { error: (line) => log.push(line) } });
      serve(pair.server, contract, options, {
        output: () => 1 as never,
        async *item() {
          yield 1 as never;
        },
        data: (_, call) => call.fail("ODD", 1 as never),
      });
      const error = await answer(pair, rejection(rpc(pair.client).remote(contract)[name]()));
      const shown = "exposeErrors" in options ? `${issue}; 1 issues` : "the handler failed";
      expect(error).toMatchObject({
        code: "ipc.bad-output",
        executed: "yes",
        data: undefined,
        message: `${name}: ipc.bad-output: ${shown}`,
      });
      expect(log).toEqual([expect.stringContaining(issue)]);
    },
  );
});
