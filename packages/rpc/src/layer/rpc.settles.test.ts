import { describe, expect, test } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { rejection } from "../../test/both-sides.js";
import { type FakePeer, fakePair, settle } from "../../test/fake-peer.js";
import { pass } from "../../test/pass-time.js";
import { method, stream } from "../contract/method.js";
import type { AnyCall } from "../serve/handler-types.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const contract = {
  unary: method<string, string, { OWN: { id: number } }>(),
  stream: stream<string, string, string, never, { OWN: { id: number } }>(),
};

/** A handler's actions, and the call that it handled. */
interface Handled {
  readonly call: AnyCall;
  readonly finish: (value: string) => void;
  readonly fail: (error: Error) => void;
  hasReturned: boolean;
}

interface Scene {
  readonly pair: { readonly client: FakePeer; readonly server: FakePeer };
  readonly caller: FakePeer;
  readonly callee: FakePeer;
  readonly handled: Handled[];
  readonly make: (input: string, options?: object) => Promise<string>;
}

/** Sides that have a call of one kind in common; each handler waits until the test finishes it. */
function scene(kind: "unary" | "stream", calls: "client" | "server"): Scene {
  const pair = fakePair();
  const [caller, callee] = calls === "client" ? [pair.client, pair.server] : [pair.server, pair.client];
  const handled: Handled[] = [];
  const begin = (call: unknown): Promise<string> =>
    new Promise((resolve, reject) => {
      handled.push({ call: call as AnyCall, finish: resolve, fail: reject, hasReturned: false });
    });
  rpc(callee, { logger: { error() {} } });
  serve(callee, contract, {
    unary: (input, call) => (input === "own" ? call.fail("OWN", { id: 1 }) : begin(call)),
    async *stream(input, call) {
      const index = handled.length;
      try {
        if (input === "own") call.fail("OWN", { id: 1 });
        yield "item";
        const waiting = begin(call);
        call.signal.addEventListener("abort", () => handled[index]?.finish("aborted"));
        return await waiting;
      } finally {
        const entry = handled[index];
        if (entry !== undefined) entry.hasReturned = true;
      }
    },
  });
  const api = rpc(caller).remote(contract);
  const make = (input: string, options?: object): Promise<string> => {
    if (kind === "unary") return api.unary(input, options);
    return api.stream(input, options);
  };
  return { pair, caller, callee, handled, make };
}

/** Nothing is left of any call, on either side. */
async function expectNothingLeft({ pair, caller, callee, handled }: Scene): Promise<void> {
  for (const { finish } of handled) finish("late");
  await settle(pair);
  expect(rpc(caller).stats).toMatchObject({ calls: 0, unreadBytes: 0, droppedFrames: 0 });
  expect(rpc(callee).stats).toMatchObject({ handling: 0, unreadBytes: 0, droppedFrames: 0 });
}
const answersOf = ({ callee }: Scene): string[] =>
  callee.sent.filter(({ kind }) => kind === KIND.result || kind === KIND.error).map(({ name }) => name || "result");

describe.each(["unary", "stream"] as const)("a %s call", (kind) => {
  describe.each(["client", "server"] as const)("of the %s", (calls) => {
    test("resolves with its result, and gets no other answer", async () => {
      const it = scene(kind, calls);
      const made = it.make("x");
      await settle(it.pair);
      it.handled[0]?.finish("done");
      await settle(it.pair);
      expect(await made).toBe("done");
      expect(answersOf(it)).toEqual(["result"]);
      await expectNothingLeft(it);
    });

    test("rejects with the error that the method declares", async () => {
      const it = scene(kind, calls);
      const made = rejection(it.make("own"));
      await settle(it.pair);
      expect(await made).toMatchObject({ name: "CallFailed", code: "OWN", data: { id: 1 }, executed: "yes" });
      await expectNothingLeft(it);
    });

    test("rejects with IPC_ABORTED at once when its signal aborts, and the handler's signal fires", async () => {
      const it = scene(kind, calls);
      const abort = new AbortController();
      const made = rejection(it.make("x", { signal: abort.signal }));
      await settle(it.pair);
      abort.abort("enough");
      expect(await made).toMatchObject({ name: "AbortError", code: "IPC_ABORTED", executed: "maybe", cause: "enough" });
      await settle(it.pair);
      expect(it.handled[0]?.call.signal.reason).toMatchObject({ code: "IPC_ABORTED" });
      expect(answersOf(it)).toEqual(["ipc.cancelled"]);
      await expectNothingLeft(it);
    });

    test("is not sent when its signal was aborted before", async () => {
      const it = scene(kind, calls);
      const error = await rejection(it.make("x", { signal: AbortSignal.abort() }));
      expect(error).toMatchObject({ code: "IPC_ABORTED", executed: "no" });
      expect(it.caller.sent).toEqual([]);
      await expectNothingLeft(it);
    });

    test("rejects with IPC_TIMED_OUT at its deadline, and the handler's own clock gives the same code", async () => {
      const advance = stopClock();
      const it = scene(kind, calls);
      const made = rejection(it.make("x", { timeoutMs: 50 }));
      await settle(it.pair);
      await pass(advance, 51);
      expect(await made).toMatchObject({
        code: "IPC_TIMED_OUT",
        executed: "maybe",
        message: expect.stringContaining("50 ms"),
      });
      await settle(it.pair);
      expect(it.handled[0]?.call.signal.reason).toMatchObject({ code: "IPC_TIMED_OUT" });
      expect(it.caller.sent.map((frame) => frame.kind)).not.toContain(KIND.cancel);
      expect(answersOf(it)).toEqual(["ipc.deadline"]);
      await expectNothingLeft(it);
    });

    test("resolves when the answer arrives before the deadline is checked", async () => {
      const advance = stopClock();
      const it = scene(kind, calls);
      const made = it.make("x", { timeoutMs: 50 });
      await settle(it.pair);
      it.handled[0]?.finish("in time");
      for (let turn = 0; turn < 20; turn++) await null;
      advance(51);
      it.caller.deliver();
      expect(await made).toBe("in time");
      await pass(advance, 1_000);
      await expectNothingLeft(it);
    });

    test("rejects with IPC_CALL_LOST when the connection is lost, and the handler's signal fires", async () => {
      const it = scene(kind, calls);
      const made = rejection(it.make("x"));
      await settle(it.pair);
      it.pair.client.lose("Reconnecting");
      it.pair.server.lose("Disconnected");
      expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
      expect(it.handled[0]?.call.signal.reason).toMatchObject({ code: "IPC_CALL_LOST" });
      it.pair.client.reconnect();
      it.pair.server.reconnect();
      await expectNothingLeft(it);
      expect(answersOf(it)).toEqual([]);
    });

    test("is not executed when there is no connection", async () => {
      const it = scene(kind, calls);
      it.pair.client.lose("Reconnecting");
      it.pair.server.lose("Disconnected");
      expect(await rejection(it.make("x"))).toMatchObject({ code: "IPC_CALL_LOST", executed: "no" });
      await expectNothingLeft(it);
    });

    test("is not executed when its own side's write queue is full", async () => {
      const it = scene(kind, calls);
      it.caller.refuses = "IPC_QUEUE_FULL";
      expect(await rejection(it.make("x"))).toMatchObject({ code: "IPC_QUEUE_FULL", executed: "no" });
      await expectNothingLeft(it);
    });

    test("rejects with IPC_CLOSED when its own side is closed or destroyed", async () => {
      const it = scene(kind, calls);
      const made = rejection(it.make("x"));
      await settle(it.pair);
      it.caller.setStatus("Closing");
      expect(await made).toMatchObject({ code: "IPC_CLOSED", executed: "maybe" });
      expect(await rejection(it.make("x"))).toMatchObject({ code: "IPC_CLOSED", executed: "no" });
      it.callee.lose("Disconnected");
      await expectNothingLeft(it);
    });

    test("rejects with `ipc.closing` after the other side has closed its calls, and an open call may finish", async () => {
      const it = scene(kind, calls);
      const open = it.make("x");
      await settle(it.pair);
      const closed = rpc(it.callee).close();
      const late = rejection(it.make("x"));
      await settle(it.pair);
      expect(await late).toMatchObject({ code: "ipc.closing", executed: "no" });
      it.handled[0]?.finish("done");
      await settle(it.pair);
      expect(await open).toBe("done");
      await closed;
      await expectNothingLeft(it);
    });

    test("ends with `ipc.closing` when the other side's close times out", async () => {
      const advance = stopClock();
      const it = scene(kind, calls);
      const open = rejection(it.make("x"));
      await settle(it.pair);
      const closed = rpc(it.callee).close({ timeoutMs: 100 });
      await pass(advance, 101);
      await closed;
      await settle(it.pair);
      // The method has run, so the code alone would say too much.
      expect(await open).toMatchObject({ code: "ipc.closing", executed: "maybe" });
      expect(it.handled[0]?.call.signal.reason).toMatchObject({ code: "IPC_CLOSED" });
      await expectNothingLeft(it);
    });

    test("ends earlier when a second close allows less time, and not later when it allows more", async () => {
      const advance = stopClock();
      const it = scene(kind, calls);
      const open = rejection(it.make("x"));
      await settle(it.pair);
      const closed = rpc(it.callee).close({ timeoutMs: 1_000 });
      const again = rpc(it.callee).close({ timeoutMs: 100 });
      void rpc(it.callee).close({ timeoutMs: 10_000 });
      await pass(advance, 99);
      expect(rpc(it.callee).stats.handling).toBe(1);
      await pass(advance, 2);
      await Promise.all([closed, again]);
      await settle(it.pair);
      expect(await open).toMatchObject({ code: "ipc.closing", executed: "maybe" });
      await expectNothingLeft(it);
    });

    test("rejects with IPC_CLOSED after its own side's `close`, and an open call may finish", async () => {
      const it = scene(kind, calls);
      const open = it.make("x");
      await settle(it.pair);
      const closed = rpc(it.caller).close();
      expect(await rejection(it.make("x"))).toMatchObject({ code: "IPC_CLOSED", executed: "no" });
      it.handled[0]?.finish("done");
      await settle(it.pair);
      expect(await open).toBe("done");
      await closed;
      await expectNothingLeft(it);
    });

    test("resolves when the answer arrives before the end of its own side's `close` is checked", async () => {
      const advance = stopClock();
      const it = scene(kind, calls);
      const open = it.make("x");
      await settle(it.pair);
      const closed = rpc(it.caller).close({ timeoutMs: 100 });
      advance(101);
      it.handled[0]?.finish("in time");
      await settle(it.pair);
      expect([await open, await closed]).toEqual(["in time", undefined]);
    });

    test("is answered when its handler ignores the signal, and the late value is dropped", async () => {
      const it = scene(kind, calls);
      const abort = new AbortController();
      const made = rejection(it.make("x", { signal: abort.signal }));
      await settle(it.pair);
      abort.abort();
      await made;
      await settle(it.pair);
      expect(answersOf(it)).toEqual(["ipc.cancelled"]);
      if (kind === "unary") expect(rpc(it.callee).stats.handling).toBe(1);
      it.handled[0]?.finish("late");
      await settle(it.pair);
      expect(answersOf(it)).toEqual(["ipc.cancelled"]);
      expect(rpc(it.callee).stats.handling).toBe(0);
    });

    test("rejects with `ipc.busy` past `maxCalls`, which counts abandoned handlers", async () => {
      const pair = fakePair();
      const [caller, callee] = calls === "client" ? [pair.client, pair.server] : [pair.server, pair.client];
      rpc(callee, { maxCalls: 1 });
      serve(callee, contract, {
        unary: () => new Promise(() => {}),
        async *stream() {
          return await new Promise<string>(() => {});
        },
      });
      const api = rpc(caller).remote(contract);
      const abort = new AbortController();
      const first = rejection(api[kind]("x", { signal: abort.signal }));
      await settle(pair);
      abort.abort();
      await first;
      await settle(pair);
      const second = rejection(api[kind]("x"));
      await settle(pair);
      expect(await second).toMatchObject({ code: "ipc.busy", executed: "no" });
    });
  });
});
