import { describe, expect, test } from "vitest";
import { type FakePeer, fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import { encodeFrame, FLAG, KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const contract = {
  echo: method<unknown, unknown>(),
  stuck: method<unknown, void>(),
  give: stream<number, number>(),
  take: method<void, number>(),
};
const name = (text: string): Buffer => Buffer.from(text);

/** A server that serves the contract, and a client that says whatever the test wants. */
function attacked(options: object = {}): { pair: ReturnType<typeof fakePair>; server: FakePeer } {
  const pair = fakePair();
  rpc(pair.server, { logger: { error() {} }, ...options });
  serve(pair.server, contract, {
    echo: (value) => value,
    stuck: () => new Promise(() => {}),
    async *give(count) {
      for (let at = 0; at < count; at++) yield at;
    },
    take: (_, call) => new Promise((resolve) => call.signal.addEventListener("abort", () => resolve(1))),
  });
  return { pair, server: pair.server };
}

/** What the server has answered: the id, and the code of an error or "result". */
const answers = (server: FakePeer): string[] =>
  server.sent.filter(({ kind }) => kind >= KIND.result).map(({ id, name: code }) => `${id} ${code || "result"}`);

async function expectAlive({ pair, server }: ReturnType<typeof attacked>): Promise<void> {
  server.receive({ kind: KIND.call, id: 99_999, name: name("echo"), payload: '"alive"' });
  await settle(pair);
  const last = server.sent.at(-1);
  expect({ id: last?.id, kind: last?.kind, value: last?.payload.toString() }).toEqual({
    id: 99_999,
    kind: KIND.result,
    value: '"alive"',
  });
}

describe("a server ignores", () => {
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
    it.server.receive(frame);
    await settle(it.pair);
    expect(it.server.sent).toEqual([]);
    await expectAlive(it);
  });

  test("frames that are shorter than their header says, and counts them", async () => {
    const it = attacked();
    for (let length = 0; length < 12; length++) it.server.receive(Buffer.alloc(length, 1));
    it.server.receive(Buffer.from("01100fff0000000100000000", "hex"));
    expect(rpc(it.server).stats.droppedFrames).toBe(13);
    await expectAlive(it);
  });

  test("a call with an id that is in use or that belongs to the server's side, and counts it", async () => {
    const it = attacked();
    for (const id of [1, 1, 2]) it.server.receive({ kind: KIND.call, id, name: name("stuck") });
    await settle(it.pair);
    expect(rpc(it.server).stats).toMatchObject({ handling: 1, droppedFrames: 2 });
    await expectAlive(it);
  });
});

describe("a server answers", () => {
  test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "", "ipc.nothing", "echo.more"])(
    "the method %j with `ipc.unknown-method`",
    async (method) => {
      const it = attacked();
      it.server.receive({ kind: KIND.call, id: 1, name: name(method), payload: "1" });
      await settle(it.pair);
      expect(answers(it.server)).toEqual(["1 ipc.unknown-method"]);
      await expectAlive(it);
    },
  );

  test("a name of more than 255 bytes with `ipc.unknown-method`", async () => {
    const it = attacked();
    it.server.receive({ kind: KIND.call, id: 1, name: Buffer.alloc(60_000, "a") });
    await settle(it.pair);
    expect(answers(it.server)).toEqual(["1 ipc.unknown-method"]);
  });

  test.each([
    ["malformed JSON", { payload: "{" }, "ipc.codec"],
    ["meta over its limit", { meta: Buffer.from(JSON.stringify({ a: "x".repeat(4_096) })) }, "ipc.bad-input"],
    ["meta with another value than a string", { meta: Buffer.from('{"a":{}}') }, "ipc.bad-input"],
    ["meta that is no JSON", { meta: Buffer.from("[") }, "ipc.bad-input"],
  ])("%s with an error code", async (_what, parts, code) => {
    const it = attacked();
    it.server.receive({ kind: KIND.call, id: 1, name: name("echo"), ...parts });
    await settle(it.pair);
    expect(answers(it.server)).toEqual([`1 ${code}`]);
    await expectAlive(it);
  });

  test("an unknown codec with `ipc.codec`", async () => {
    const it = attacked();
    const frame = encodeFrame({ kind: KIND.call, id: 1, name: name("echo"), payload: "1" });
    frame[1] = 0xf0;
    it.server.receive(frame);
    await settle(it.pair);
    expect(answers(it.server)).toEqual(["1 ipc.codec"]);
  });

  test("an input of 100 000 nested arrays, and does not crash", async () => {
    const it = attacked();
    const deep = "[".repeat(100_000) + "]".repeat(100_000);
    it.server.receive({ kind: KIND.call, id: 1, name: name("echo"), payload: deep });
    await settle(it.pair);
    expect(answers(it.server)).toHaveLength(1);
    await expectAlive(it);
  });

  test("each of 100 000 calls at once, and those past `maxCalls` with `ipc.busy`", async () => {
    const it = attacked();
    for (let at = 0; at < 100_000; at++) it.server.receive({ kind: KIND.call, id: at * 2 + 1, name: name("stuck") });
    await settle(it.pair);
    expect(rpc(it.server).stats.handling).toBe(1_024);
    expect(answers(it.server)).toHaveLength(100_000 - 1_024);
    expect(answers(it.server).every((answer) => answer.endsWith("ipc.busy"))).toBe(true);
  });

  test("inputs past `maxCallBytes` with `ipc.busy`, until a call has ended", async () => {
    const it = attacked({ maxCallBytes: 4_096 });
    const payload = JSON.stringify("x".repeat(3_000));
    it.server.receive({ kind: KIND.call, id: 1, name: name("take"), payload });
    it.server.receive({ kind: KIND.call, id: 3, name: name("echo"), payload });
    it.server.receive({ kind: KIND.cancel, id: 1 });
    await settle(it.pair);
    expect(answers(it.server)).toEqual(["3 ipc.busy", "1 ipc.cancelled"]);
    it.server.receive({ kind: KIND.call, id: 5, name: name("echo"), payload });
    await settle(it.pair);
    expect(answers(it.server).at(-1)).toBe("5 result");
  });

  test("an item of more than 262 144 bytes with `ipc.flow`", async () => {
    const it = attacked();
    it.server.receive({ kind: KIND.call, flags: FLAG.items, id: 1, name: name("stuck") });
    it.server.receive({ kind: KIND.item, id: 1, payload: Buffer.alloc(262_145) });
    await settle(it.pair);
    expect(answers(it.server)).toEqual(["1 ipc.flow"]);
  });

  test("items without credit with `ipc.flow`, and continues the other calls", async () => {
    const it = attacked();
    it.server.receive({ kind: KIND.call, flags: FLAG.items, id: 1, name: name("stuck") });
    for (let at = 0; at < 300; at++) it.server.receive({ kind: KIND.item, id: 1, payload: "1" });
    await settle(it.pair);
    expect(answers(it.server)).toEqual(["1 ipc.flow"]);
    expect(rpc(it.server).stats.unreadBytes).toBe(0);
    await expectAlive(it);
  });

  test.each([
    ["the stream that goes", []],
    ["the stream that has ended and goes", [KIND.end]],
  ])("%s past 16 MiB of unread items with `ipc.busy`, and no other call", async (_what, then) => {
    const it = attacked({ maxCalls: 5_000 });
    const item = JSON.stringify("x".repeat(262_000));
    for (let id = 1; id < 200; id += 2) {
      it.server.receive({ kind: KIND.call, flags: FLAG.items, id, name: name("stuck") });
      it.server.receive({ kind: KIND.item, id, payload: item });
      for (const kind of then) it.server.receive({ kind, id });
    }
    await settle(it.pair);
    expect(rpc(it.server).stats.unreadBytes).toBeLessThanOrEqual(16_777_216);
    expect(answers(it.server).length).toBe(100 - Math.floor(16_777_216 / item.length));
    expect(answers(it.server).every((answer) => answer.endsWith("ipc.busy"))).toBe(true);
    await expectAlive(it);
  });

  test("no one-way call, and drops and counts those over a limit", async () => {
    const it = attacked({ maxCalls: 1 });
    for (const id of [1, 3]) it.server.receive({ kind: KIND.call, flags: FLAG.oneWay, id, name: name("stuck") });
    it.server.receive({ kind: KIND.call, flags: FLAG.oneWay, id: 5, name: name("unknown") });
    await settle(it.pair);
    expect(it.server.sent).toEqual([]);
    expect(rpc(it.server).stats).toMatchObject({ handling: 1, droppedFrames: 2 });
  });
});

describe("a server survives", () => {
  test("unlimited credit", async () => {
    const it = attacked();
    it.server.receive({ kind: KIND.call, id: 1, name: name("give"), payload: "1000" });
    for (let at = 0; at < 1_000; at++) it.server.receive({ kind: KIND.credit, id: 1, number: 0xffff_ffff });
    await settle(it.pair);
    expect(answers(it.server)).toEqual(["1 result"]);
  });

  test("a handler that fails with IPC_QUEUE_FULL from another connection", async () => {
    const pair = fakePair();
    rpc(pair.server, { logger: { error() {} } });
    serve(
      pair.server,
      { echo: contract.echo },
      {
        echo: () => Promise.reject(Object.assign(new Error("another peer"), { code: "IPC_QUEUE_FULL" })),
      },
    );
    pair.server.receive({ kind: KIND.call, id: 1, name: name("echo"), payload: "1" });
    await settle(pair);
    expect(answers(pair.server)).toEqual(["1 ipc.internal"]);
  });
});
