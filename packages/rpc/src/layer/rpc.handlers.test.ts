import { describe, expect, test } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { rejection } from "../../test/both-sides.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { pass } from "../../test/pass-time.js";
import { method, stream } from "../contract/method.js";
import type { StandardSchema } from "../contract/standard-schema.js";
import type { AnyCall } from "../serve/handler-types.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

describe("a handler of a method that gives items", () => {
  const number: StandardSchema<number> = {
    "~standard": { version: 1, vendor: "test", validate: (value) => ({ value: value as number }) },
  };
  const typed = { watch: stream<void, number, string>() };
  const checked = { watch: method({ gives: number }) as unknown as (typeof typed)["watch"] };

  async function watched(contract: typeof typed, handler: () => unknown) {
    const pair = fakePair();
    const log: string[] = [];
    rpc(pair.server, { logger: { error: (text) => void log.push(text.split("\n")[0] ?? "") } });
    serve(pair.server, contract, { watch: handler as never });
    const run = rpc(pair.client).remote(contract).watch();
    const items: number[] = [];
    const loop = (async () => {
      for await (const item of run) items.push(item);
    })().catch(() => {});
    await settle(pair);
    await loop;
    const outcome = await run.result.catch(({ code }: { readonly code: string }) => code);
    return { items, outcome, log };
  }

  function* generator(): Generator<number, string> {
    yield 1;
    yield 2;
    return "done";
  }

  test.each<[what: string, handler: () => unknown]>([
    ["a generator", generator],
    ["a promise of a generator", async () => generator()],
    [
      "a promise of an async generator",
      async () =>
        (async function* () {
          yield* generator();
          return "done";
        })(),
    ],
  ])("may return %s", async (_what, handler) => {
    for (const contract of [typed, checked]) {
      expect(await watched(contract, handler)).toEqual({ items: [1, 2], outcome: "done", log: [] });
    }
  });

  test("may return an array as its output when the contract is only typed", async () => {
    expect(await watched(typed, () => [1, 2])).toEqual({ items: [], outcome: [1, 2], log: [] });
    expect(await watched(checked, () => [1, 2])).toEqual({ items: [1, 2], outcome: undefined, log: [] });
  });

  test.each<[shown: string, value: unknown]>([
    ["undefined", undefined],
    ["an object", {}],
    ['"items"', "items"],
  ])("fails and logs the reason when it returns %s instead", async (shown, value) => {
    expect(await watched(checked, () => value)).toEqual({
      items: [],
      outcome: "ipc.internal",
      log: [expect.stringContaining(`watch: takes a handler that returns an iterable or async iterable, got ${shown}`)],
    });
  });
});

describe("a call made in a handler", () => {
  const screen = { show: method<string, string>() };
  const contract = { ask: method<string, string>() };

  /** A server whose handler gives its call to the test. */
  function scene() {
    const pair = fakePair();
    const calls: AnyCall[] = [];
    let finish: (value: string) => void = () => {};
    const handler = (...args: unknown[]): Promise<string> => {
      calls.push(args[1] as AnyCall);
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    serve(pair.server, contract, { ask: handler });
    serve(pair.client, screen, { show: (text) => `shows ${text}` });
    return { pair, calls, finish: (value: string) => finish(value) };
  }

  test("inherits the handler's deadline by `call.rpc`, also when a wrapper hides the parameters", async () => {
    const advance = stopClock();
    const { pair, calls } = scene();
    const asked = rejection(rpc(pair.client).remote(contract).ask("x", { timeoutMs: 100 }));
    await settle(pair);
    await pass(advance, 40);
    expect(calls[0]?.rpc.stats).toEqual(rpc(pair.server).stats);
    void calls[0]?.rpc
      .remote(screen)
      .show("it")
      .catch(() => {});
    expect(pair.server.sent.at(-1)).toMatchObject({ kind: KIND.call, number: 60 });
    await pass(advance, 100);
    expect(await asked).toMatchObject({ code: "IPC_TIMED_OUT" });
  });

  test("inherits no deadline after the handler has ended", async () => {
    const advance = stopClock();
    const pair = fakePair();
    const later: Promise<string>[] = [];
    let begin: () => void = () => {};
    const begun = new Promise<void>((resolve) => {
      begin = resolve;
    });
    serve(pair.client, screen, { show: (text) => `shows ${text}` });
    serve(pair.server, contract, {
      ask: (_, call) => {
        const make = (): Promise<string> => call.rpc.remote(screen).show("it", { timeoutMs: 0 });
        const makeByOther = (): Promise<string> => rpc(pair.server).remote(screen).show("it", { timeoutMs: 0 });
        later.push(begun.then(make), begun.then(makeByOther));
        return "done";
      },
    });
    const asked = rpc(pair.client).remote(contract).ask("x", { timeoutMs: 100 });
    await settle(pair);
    expect(await asked).toBe("done");
    await pass(advance, 200);
    begin();
    await settle(pair);
    expect(await Promise.all(later)).toEqual(["shows it", "shows it"]);
    expect(pair.server.sent.filter(({ kind }) => kind === KIND.call)).toMatchObject([{ number: 0 }, { number: 0 }]);
  });

  test.each(["by a contract", "by its type alone"])(
    "reaches no other client after the handler's client has left: %s",
    async (how) => {
      const { pair, calls, finish } = scene();
      const asked = rejection(rpc(pair.client).remote(contract).ask("x"));
      await settle(pair);
      const calling = calls[0]?.rpc;
      const api = how === "by a contract" ? calling?.remote(screen) : calling?.remote<typeof screen>();
      expect(await Promise.all([api?.show("it"), settle(pair)])).toEqual(["shows it", undefined]);
      const sent = pair.server.sent.length;
      const expectRefusal = async (): Promise<void> => {
        expect(await rejection(api?.show("a secret") ?? Promise.resolve())).toMatchObject({
          code: "IPC_CALL_LOST",
          executed: "no",
          message: "show: not called, because the caller of this handler has gone; another may be there",
        });
        expect(pair.server.sent).toHaveLength(sent);
      };
      pair.client.lose("Reconnecting");
      pair.server.lose("Disconnected");
      await expectRefusal();
      pair.client.reconnect();
      pair.server.reconnect();
      await expectRefusal();
      expect(await asked).toMatchObject({ code: "IPC_CALL_LOST" });
      finish("late");
    },
  );
});
