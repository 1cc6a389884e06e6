import { setMaxListeners } from "node:events";
import type { ClientOptions } from "@ipc/client";
import type { ManagerOptions } from "@ipc/manager";
import { describe, expect, test } from "vitest";
import { CutSockets } from "../../../../internal/testkit/src/cut-sockets.js";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { rejection } from "../../test/both-sides.js";
import { collect } from "../../test/during.js";
import { CLIENTS, contract, fifty } from "../../test/fifty.js";
import { method, stream } from "../contract/method.js";
import { MESSAGE_TYPE } from "../limits.js";
import type { CallPeer } from "../link/call-peer.js";
import type { AnyCall } from "../serve/handler-types.js";
import { encodeFrame, KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const repeatable = {
  again: {
    unary: method<number, string>({ idempotent: true }),
    stream: stream<number, number, string>({ idempotent: true }),
  },
};

describe.each([
  ["clients", "unary"],
  ["clients", "stream"],
  ["the manager", "unary"],
  ["the manager", "stream"],
] as const)("calls of %s, %s, over 50 sockets", (by, kind) => {
  async function scene(options: Partial<ManagerOptions> = {}, more: Partial<ClientOptions> = {}) {
    const all = await fifty(by, options, more);
    /** Every call is rejected with a code, and every handler learns a reason and ends. */
    const expectAll = async (made: readonly Promise<unknown>[], code: string, reason: string): Promise<void> => {
      for (const error of await Promise.all(made)) expect(error).toMatchObject({ code, executed: "maybe" });
      await eventually(() => expect(all.log.reasons).toEqual(made.map(() => reason)));
      await all.expectNothingLeft(kind === "stream" ? made.length : 0);
    };
    return { ...all, make: all.make.bind(undefined, kind), expectAll };
  }

  test("end by signal, deadline or a cut connection, and each handler learns which", async () => {
    const { connections, make, expectAll, allBegin } = await scene();
    const abort = new AbortController();
    setMaxListeners(CLIENTS, abort.signal);
    const aborted = make({ signal: abort.signal });
    await allBegin();
    abort.abort();
    await expectAll(aborted, "IPC_ABORTED", "IPC_ABORTED");

    await expectAll(make({ timeoutMs: 100 }), "IPC_TIMED_OUT", "IPC_TIMED_OUT");

    const cut = make();
    await allBegin();
    for (const connection of connections) connection.destroy();
    // The side that destroys its connection is closed; the other one has lost it.
    const codes = by === "clients" ? ["IPC_CALL_LOST", "IPC_CLOSED"] : ["IPC_CLOSED", "IPC_CALL_LOST"];
    await expectAll(cut, codes[0] as string, codes[1] as string);
  });

  test("end when the calling side closes", async () => {
    const { clients, connections, make, expectAll, allBegin } = await scene();
    const made = make();
    await allBegin();
    for (const peer of by === "clients" ? clients : connections) void peer.close();
    await expectAll(made, "IPC_CLOSED", "IPC_CALL_LOST");
  });

  test("end as with a lost connection when a drain of the other side takes longer than `timeoutMs`", async () => {
    const { manager, clients, make, expectAll, allBegin } = await scene();
    const made = make();
    await allBegin();
    for (const peer of by === "clients" ? [manager] : clients) void peer.drain({ timeoutMs: 0 }).catch(() => {});
    await expectAll(made, "IPC_CALL_LOST", "IPC_CLOSED");
  });

  test("end with the handler's error, or because a value cannot be encoded", async () => {
    const { log, make, expectNothingLeft } = await scene();
    const generators = kind === "stream" ? CLIENTS : 0;
    const denied = { code: "DENIED", data: { reason: "asked for it" }, executed: "yes" };
    for (const error of await Promise.all(make({}, "fail"))) expect(error).toMatchObject(denied);
    await expectNothingLeft(generators);
    const failed = { code: "ipc.internal", executed: "yes" };
    for (const error of await Promise.all(make({}, "return 1n"))) expect(error).toMatchObject(failed);
    await expectNothingLeft(generators);
    for (const error of await Promise.all(make({}, 1n as never))) expect(error).toBeInstanceOf(TypeError);
    expect(log.begun).toBe(0);
  });

  test("end at once when the write queue of their side is full, and those before them are answered", async () => {
    const { callers, log, expectNothingLeft } = await scene({ maxQueuedBytes: 1_024 }, { maxQueuedBytes: 1_024 });
    const outcomes = await Promise.all(
      callers.flatMap((peer) => {
        const api = rpc(peer).remote(contract);
        // All in one turn of the event loop, so that nothing leaves the queue meanwhile.
        const made = Array.from({ length: 20 }, () => api[kind]("x".repeat(1_000)));
        return made.map((call) => Promise.resolve(call).catch((error: unknown) => error));
      }),
    );
    const refused = outcomes.filter((outcome) => outcome !== "done");
    expect(refused.length).toBeGreaterThanOrEqual(CLIENTS);
    for (const error of refused) expect(error).toMatchObject({ code: "IPC_QUEUE_FULL", executed: "no" });
    expect(log.begun).toBe(outcomes.length - refused.length);
    expect(log.begun).toBeGreaterThanOrEqual(CLIENTS);
    await expectNothingLeft(kind === "stream" ? log.begun : 0);
  });

  const isRepeated = by === "clients";
  test(`${isRepeated ? "are" : "are not"} made again over the next connection when they are idempotent`, async () => {
    const { clients, connections, callers, manager } = await scene({}, { retry: true, retryMs: 1 });
    let calls = 0;
    const handle = (_: number, { signal }: AnyCall): Promise<string> | string =>
      ++calls > CLIENTS ? "second" : new Promise((resolve) => signal.addEventListener("abort", () => resolve("late")));
    const handlers = {
      unary: handle,
      async *stream(count: number, call: AnyCall) {
        const result = await handle(count, call);
        for (let at = 0; at < count; at++) yield at;
        return result;
      },
    };
    for (const peer of isRepeated ? [manager] : clients) serve(peer, repeatable, { again: handlers });
    const made = callers.map(async (peer) => {
      const api = rpc(peer).remote(repeatable).again;
      const run = kind === "stream" ? api.stream(3) : undefined;
      const items = run && (await collect(run));
      return [await (run ?? api.unary(3)), items];
    });
    const outcomes = Promise.allSettled(made);
    await eventually(() => expect(calls).toBe(CLIENTS));
    for (const connection of connections) connection.destroy();
    const items = kind === "stream" ? [0, 1, 2] : undefined;
    const expected = isRepeated
      ? { status: "fulfilled", value: ["second", items] }
      : { status: "rejected", reason: { code: "IPC_CLOSED", executed: "maybe" } };
    expect(await outcomes).toMatchObject(clients.map(() => expected));
    expect(calls).toBe(isRepeated ? 2 * CLIENTS : CLIENTS);
  });
});

describe.each(["clients", "the manager"] as const)("streams of %s over 50 sockets", (by) => {
  const apiOf = (peer: CallPeer) => rpc(peer).remote(contract);

  test("end when their readers leave, and so do the generators", async () => {
    const { callers, log, expectNothingLeft } = await fifty(by);
    const runs = callers.map((peer) => apiOf(peer).stream(1_000_000));
    const loops = runs.map(async (run) => {
      for await (const item of run) if (item === 2) break;
      return rejection(run.result);
    });
    const left = { code: "IPC_ABORTED", executed: "maybe" };
    expect(await Promise.all(loops)).toMatchObject(callers.map(() => left));
    await eventually(() => expect(log.reasons).toEqual(callers.map(() => "IPC_ABORTED")));
    await expectNothingLeft(CLIENTS);
  });

  test.each(["handler", "caller"] as const)(
    "end with `ipc.flow` when the %s sends items without credit",
    async (sender) => {
      const { callers, serving, log, allBegin, expectNothingLeft } = await fifty(by);
      const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
      const made = callers.map((peer) => {
        if (sender === "caller") return rejection(apiOf(peer).upload(0, { items: never }));
        const run = apiOf(peer).stream(0);
        // A reader that has come, and stops.
        run[Symbol.asyncIterator]();
        return rejection(run.result);
      });
      await allBegin();
      const item = encodeFrame({ kind: KIND.item, id: by === "clients" ? 1 : 2, payload: "1" });
      // 257 items of 64 bytes at least are more than 16 384.
      for (const peer of sender === "caller" ? callers : serving) {
        for (let at = 0; at < 257; at++) void peer.write(MESSAGE_TYPE, item);
      }
      for (const error of await Promise.all(made)) expect(error).toMatchObject({ code: "ipc.flow", executed: "maybe" });
      await eventually(() => expect(log.reasons).toEqual(callers.map(() => "IPC_ABORTED")));
      await expectNothingLeft(sender === "handler" ? CLIENTS : 0);
    },
  );

  test("end with `ipc.busy` past 16 MiB of unread items of one connection, and the calls of all others go on", async () => {
    const { callers, log, answer, expectNothingLeft } = await fifty(by);
    const [busy, ...others] = callers as [CallPeer, ...CallPeer[]];
    const going = others.map((peer) => apiOf(peer).upload(0, { items: ["one"] }));
    // 67 items of 250 002 bytes are less than 16 777 216.
    const made = Array.from({ length: 68 }, () => apiOf(busy).upload(0, { items: ["x".repeat(250_000)] }));
    expect(await rejection(Promise.all(made))).toMatchObject({ code: "ipc.busy", executed: "maybe" });
    await eventually(() => expect(log.reasons).toEqual(["IPC_ABORTED"]));
    expect(await apiOf(busy).unary("end")).toBe("done");
    answer("read none");
    expect(await Promise.all(going)).toEqual(others.map(() => "read none"));
    expect(await Promise.allSettled(made)).toHaveLength(68);
    await expectNothingLeft(0);
  });
});

test("calls and streams of both sides go on when all of 50 connections are cut and resumed", async () => {
  const transport = new CutSockets();
  const resuming = { encryption: true, resume: true };
  const all = await fifty("clients", { transport, ...resuming }, { ...resuming, retry: true, retryMs: 1 });
  const { clients, connections, handlers, log, answer, expectNothingLeft } = all;
  for (const client of clients) serve(client, contract, handlers);
  const made = [...clients, ...connections].flatMap((peer) => {
    const api = rpc(peer).remote(contract);
    return [api.unary(3), api.stream(3)];
  });
  await eventually(() => expect(log.begun).toBe(4 * CLIENTS));
  transport.cut();
  await eventually(() => expect(clients.map(({ stats }) => stats.resumes)).toEqual(clients.map(() => 1)));
  answer("done");
  expect(await Promise.all(made)).toEqual(made.map(() => "done"));
  expect([log.begun, log.reasons]).toEqual([4 * CLIENTS, []]);
  await expectNothingLeft(2 * CLIENTS);
});
