import { describe, expect, test } from "vitest";
import { fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import { encodeFrame, FLAG, type FrameParts, KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const contract = {
  echo: method<unknown, unknown>(),
  stuck: method<unknown, void>(),
  give: stream<number, number>(),
  take: method<void, number>(),
};
const name = (text: string): Buffer => Buffer.from(text);

type Side = "client" | "server";

/** A side that serves the contract, and the other one, which says whatever the test wants. */
function attack(attacked: Side, options: object) {
  const pair = fakePair();
  const { [attacked]: victim } = pair;
  // The ids of a client are odd, and those of a server even.
  const shift = attacked === "server" ? 0 : 1;
  const reasons: unknown[] = [];
  const stuck = (call: { readonly signal: AbortSignal }): Promise<never> => {
    call.signal.addEventListener("abort", () => reasons.push(call.signal.reason));
    return new Promise(() => {});
  };
  rpc(victim, { logger: { error() {} }, ...options });
  serve(victim, contract, {
    echo: (value) => value,
    stuck: (_, call) => stuck(call),
    async *give(count) {
      for (let at = 0; at < count; at++) yield at;
    },
    take: (_, call) => new Promise((resolve) => call.signal.addEventListener("abort", () => resolve(1))),
  });
  return {
    pair,
    victim,
    /** The reasons of the signals of `stuck`. */
    reasons,
    /** @param frame with an id of a client */
    receive: (frame: FrameParts): void => victim.receive({ ...frame, id: frame.id + shift }),
    /** The victim's answers: the id, and the code of an error or "result". */
    answers: (): string[] =>
      victim.sent
        .filter(({ kind }) => kind >= KIND.result)
        .map(({ id, name: code }) => `${id - shift} ${code || "result"}`),
  };
}

async function expectAlive({ pair, victim, receive, answers }: ReturnType<typeof attack>): Promise<void> {
  receive({ kind: KIND.call, id: 99_999, name: name("echo"), payload: '"alive"' });
  await settle(pair);
  expect([answers().at(-1), victim.sent.at(-1)?.payload.toString()]).toEqual(["99999 result", '"alive"']);
}

describe.each(["server", "client"] as const)("an attacked %s", (side) => {
  const tooMuch = { code: "IPC_ABORTED", message: "stuck: an item came without credit, or over 262 144 bytes" };
  const attacked = (options: object = {}): ReturnType<typeof attack> => attack(side, options);

  describe("ignores", () => {
    test.each([
      ["an unknown kind", { kind: 99, id: 1 }],
      ["a result that nothing asked for", { kind: KIND.result, id: 2, payload: "1" }],
      ["an error that nothing asked for", { kind: KIND.error, id: 2, name: name("x") }],
      ["an item of no call", { kind: KIND.item, id: 1, payload: "1" }],
      ["the end of no call", { kind: KIND.end, id: 1 }],
      ["credit of no call", { kind: KIND.credit, id: 1, number: 0xffff_ffff }],
      ["the cancellation of no call", { kind: KIND.cancel, id: 1 }],
    ])("%s", async (_what, frame) => {
      const it = attacked();
      it.receive(frame);
      await settle(it.pair);
      expect(it.victim.sent).toEqual([]);
      await expectAlive(it);
    });

    test("frames that are shorter than their header says, and counts them", async () => {
      const it = attacked();
      for (let length = 0; length < 12; length++) it.victim.receive(Buffer.alloc(length, 1));
      it.victim.receive(Buffer.from("01100fff0000000100000000", "hex"));
      expect(rpc(it.victim).stats.droppedFrames).toBe(13);
      await expectAlive(it);
    });

    test("a call with an id that is in use or that belongs to its own side, and counts it", async () => {
      const it = attacked();
      for (const id of [1, 1, 2]) it.receive({ kind: KIND.call, id, name: name("stuck") });
      await settle(it.pair);
      expect(rpc(it.victim).stats).toMatchObject({ handling: 1, droppedFrames: 2 });
      await expectAlive(it);
    });
  });

  describe("answers", () => {
    test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "", "ipc.nothing", "echo.more"])(
      "the method %j with `ipc.unknown-method`",
      async (method) => {
        const it = attacked();
        it.receive({ kind: KIND.call, id: 1, name: name(method), payload: "1" });
        await settle(it.pair);
        expect(it.answers()).toEqual(["1 ipc.unknown-method"]);
        await expectAlive(it);
      },
    );

    test("a name of more than 255 bytes with `ipc.unknown-method`", async () => {
      const it = attacked();
      it.receive({ kind: KIND.call, id: 1, name: Buffer.alloc(60_000, "a") });
      await settle(it.pair);
      expect(it.answers()).toEqual(["1 ipc.unknown-method"]);
    });

    test.each([
      ["malformed JSON", { payload: "{" }, "ipc.codec"],
      ["meta over its limit", { meta: Buffer.from(JSON.stringify({ a: "x".repeat(4_096) })) }, "ipc.bad-input"],
      ["meta with another value than a string", { meta: Buffer.from('{"a":{}}') }, "ipc.bad-input"],
      ["meta that is no JSON", { meta: Buffer.from("[") }, "ipc.bad-input"],
    ])("%s with an error code", async (_what, parts, code) => {
      const it = attacked();
      it.receive({ kind: KIND.call, id: 1, name: name("echo"), ...parts });
      await settle(it.pair);
      expect(it.answers()).toEqual([`1 ${code}`]);
      await expectAlive(it);
    });

    test("an unknown codec with `ipc.codec`", async () => {
      const it = attacked();
      const frame = encodeFrame({ kind: KIND.call, id: side === "server" ? 1 : 2, name: name("echo"), payload: "1" });
      frame[1] = 0xf0;
      it.victim.receive(frame);
      await settle(it.pair);
      expect(it.answers()).toEqual(["1 ipc.codec"]);
    });

    test("an input of 100 000 nested arrays, and does not crash", async () => {
      const it = attacked();
      const deep = "[".repeat(100_000) + "]".repeat(100_000);
      it.receive({ kind: KIND.call, id: 1, name: name("echo"), payload: deep });
      await settle(it.pair);
      expect(it.answers()).toHaveLength(1);
      await expectAlive(it);
    });

    test("inputs past `maxCallBytes` with `ipc.busy`, until a call has ended", async () => {
      const it = attacked({ maxCallBytes: 4_096 });
      const payload = JSON.stringify("x".repeat(3_000));
      it.receive({ kind: KIND.call, id: 1, name: name("take"), payload });
      it.receive({ kind: KIND.call, id: 3, name: name("echo"), payload });
      it.receive({ kind: KIND.cancel, id: 1 });
      await settle(it.pair);
      expect(it.answers()).toEqual(["3 ipc.busy", "1 ipc.cancelled"]);
      it.receive({ kind: KIND.call, id: 5, name: name("echo"), payload });
      await settle(it.pair);
      expect(it.answers().at(-1)).toBe("5 result");
    });

    test("an item of more than 262 144 bytes with `ipc.flow`", async () => {
      const it = attacked();
      it.receive({ kind: KIND.call, flags: FLAG.items, id: 1, name: name("stuck") });
      it.receive({ kind: KIND.item, id: 1, payload: Buffer.alloc(262_145) });
      await settle(it.pair);
      expect(it.answers()).toEqual(["1 ipc.flow"]);
      expect(it.reasons).toMatchObject([tooMuch]);
    });

    test("items without credit with `ipc.flow`, and continues the other calls", async () => {
      const it = attacked();
      it.receive({ kind: KIND.call, flags: FLAG.items, id: 1, name: name("stuck") });
      for (let at = 0; at < 300; at++) it.receive({ kind: KIND.item, id: 1, payload: "1" });
      await settle(it.pair);
      expect(it.answers()).toEqual(["1 ipc.flow"]);
      expect(it.reasons).toMatchObject([tooMuch]);
      expect(rpc(it.victim).stats.unreadBytes).toBe(0);
      await expectAlive(it);
    });

    test.each([
      ["the stream that goes", []],
      ["the stream that has ended and goes", [KIND.end]],
    ])("%s past 16 MiB of unread items with `ipc.busy`, and no other call", async (_what, then) => {
      const it = attacked({ maxCalls: 5_000 });
      const item = JSON.stringify("x".repeat(262_000));
      for (let id = 1; id < 200; id += 2) {
        it.receive({ kind: KIND.call, flags: FLAG.items, id, name: name("stuck") });
        it.receive({ kind: KIND.item, id, payload: item });
        for (const kind of then) it.receive({ kind, id });
      }
      await settle(it.pair);
      expect(rpc(it.victim).stats.unreadBytes).toBeLessThanOrEqual(16_777_216);
      expect(it.answers().length).toBe(100 - Math.floor(16_777_216 / item.length));
      const reason = { code: "IPC_ABORTED", message: "stuck: too many unread items on this connection" };
      expect(it.reasons).toMatchObject(it.answers().map(() => reason));
      expect(it.answers().every((answer) => answer.endsWith("ipc.busy"))).toBe(true);
      await expectAlive(it);
    });

    test("no one-way call, and drops and counts those over a limit", async () => {
      const it = attacked({ maxCalls: 1 });
      for (const id of [1, 3]) it.receive({ kind: KIND.call, flags: FLAG.oneWay, id, name: name("stuck") });
      it.receive({ kind: KIND.call, flags: FLAG.oneWay, id: 5, name: name("unknown") });
      await settle(it.pair);
      expect(it.victim.sent).toEqual([]);
      expect(rpc(it.victim).stats).toMatchObject({ handling: 1, droppedFrames: 2 });
    });
  });

  describe("survives", () => {
    test("unlimited credit", async () => {
      const it = attacked();
      it.receive({ kind: KIND.call, id: 1, name: name("give"), payload: "1000" });
      for (let at = 0; at < 1_000; at++) it.receive({ kind: KIND.credit, id: 1, number: 0xffff_ffff });
      await settle(it.pair);
      expect(it.answers()).toEqual(["1 result"]);
    });

    test("a handler that fails with IPC_QUEUE_FULL from another connection", async () => {
      const fail = () => Promise.reject(Object.assign(new Error("another peer"), { code: "IPC_QUEUE_FULL" }));
      const it = attacked();
      serve(it.victim, { fail: contract.echo }, { fail });
      it.receive({ kind: KIND.call, id: 1, name: name("fail"), payload: "1" });
      await settle(it.pair);
      expect(it.answers()).toEqual(["1 ipc.internal"]);
    });
  });
});

test("a server answers each of 100 000 calls at once, and those past `maxCalls` with `ipc.busy`", async () => {
  const { pair, victim, receive, answers } = attack("server", {});
  for (let at = 0; at < 100_000; at++) receive({ kind: KIND.call, id: at * 2 + 1, name: name("stuck") });
  await settle(pair);
  expect(rpc(victim).stats.handling).toBe(1_024);
  expect(answers()).toHaveLength(100_000 - 1_024);
  expect(answers().every((answer) => answer.endsWith("ipc.busy"))).toBe(true);
});
