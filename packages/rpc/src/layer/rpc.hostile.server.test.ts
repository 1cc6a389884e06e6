import { describe, expect, test } from "vitest";
import { rejection } from "../../test/both-sides.js";
import { fakePair } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import { KIND } from "../wire/frame.js";
import { rpc } from "./rpc.js";

const contract = { echo: method<unknown, unknown>(), give: stream<number, number>() };
const name = (text: string): Buffer => Buffer.from(text);

describe("a client survives a server that", () => {
  test("answers a call twice, or sends items for a call without any", async () => {
    const pair = fakePair();
    const made = rpc(pair.client).remote(contract).echo(1);
    const [call] = pair.client.sent;
    const id = call?.id ?? 0;
    pair.client.receive({ kind: KIND.item, id, payload: "1" });
    pair.client.receive({ kind: KIND.result, id, payload: "1" });
    pair.client.receive({ kind: KIND.result, id, payload: "2" });
    pair.client.receive({ kind: KIND.error, id, name: name("ipc.internal") });
    expect(await made).toBe(1);
    expect(rpc(pair.client).stats.calls).toBe(0);
  });

  test("sends a result that cannot be decoded: the call rejects with `ipc.codec`", async () => {
    const pair = fakePair();
    const made = rejection(rpc(pair.client).remote(contract).echo(1));
    pair.client.receive({ kind: KIND.result, id: 1, payload: "{" });
    expect(await made).toMatchObject({ code: "ipc.codec", executed: "yes" });
  });

  test.each(["", "{", "null", "[]", '{"message":7}', "7"])("sends the error %j", async (payload) => {
    const pair = fakePair();
    const made = rejection(rpc(pair.client).remote(contract).echo(1));
    pair.client.receive({ kind: KIND.error, id: 1, name: name("ANY"), payload });
    expect(await made).toMatchObject({ name: "CallFailed", code: "ANY" });
  });

  test("sends items without credit: the call rejects with `ipc.flow` and is cancelled", async () => {
    const pair = fakePair();
    const run = rpc(pair.client).remote(contract).give(1);
    for (let at = 0; at < 300; at++) pair.client.receive({ kind: KIND.item, id: 1, payload: "1" });
    expect(await rejection(run.result)).toMatchObject({ code: "ipc.flow", executed: "maybe" });
    expect(pair.client.sent.at(-1)).toMatchObject({ kind: KIND.cancel, id: 1 });
    expect(rpc(pair.client).stats).toMatchObject({ calls: 0, unreadBytes: 0 });
  });

  test("sends an item that cannot be decoded: the loop and the result reject with it, and the call is cancelled", async () => {
    const pair = fakePair();
    const run = rpc(pair.client).remote(contract).give(1);
    const next = run[Symbol.asyncIterator]().next();
    pair.client.receive({ kind: KIND.item, id: 1, payload: "{" });
    const error = await rejection(next);
    expect(error).toMatchObject({ name: "CallFailed", code: "ipc.codec" });
    expect(await rejection(run.result)).toBe(error);
    expect(pair.client.sent.at(-1)).toMatchObject({ kind: KIND.cancel, id: 1 });
  });
});
