import { expect, onTestFinished, test, vi } from "vitest";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { rejection } from "../../test/both-sides.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { CallIds } from "../calls/call-ids.js";
import { method } from "../contract/method.js";
import { KIND } from "../wire/frame.js";
import { rpc, serve } from "./rpc.js";

const contract = { get: method<unknown, string>() };
/** Long enough that a write resolves only when the kernel has all of it. */
const LARGE = "x".repeat(100_000);

test.each([
  ["no", "is short", "short"],
  ["maybe", "is long, because a part may have arrived", LARGE],
])(
  "reports a call whose write is lost with the connection as executed: %s, if it %s",
  async (executed, _why, input) => {
    const { client } = fakePair();
    client.holds = true;
    const made = rejection(rpc(client).remote(contract).get(input));
    client.lose("Reconnecting");
    expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed });
  },
);

test("reports a call whose write is accepted after its connection was lost as executed: maybe", async () => {
  const { client } = fakePair();
  client.holds = true;
  const made = rejection(rpc(client).remote(contract).get(1));
  client.setStatus("Reconnecting");
  client.accept();
  expect(await made).toMatchObject({ code: "IPC_CALL_LOST", executed: "maybe" });
});

test("cancels a call in the write queue when its signal aborts, because it may still be sent", async () => {
  const pair = fakePair();
  serve(pair.server, contract, { get: () => new Promise(() => {}) });
  pair.client.holds = true;
  const abort = new AbortController();
  const made = rejection(rpc(pair.client).remote(contract).get(1, { signal: abort.signal }));
  abort.abort();
  expect(await made).toMatchObject({ code: "IPC_ABORTED", executed: "maybe" });
  pair.client.goOn();
  await settle(pair);
  expect(pair.client.sent.map(({ kind }) => kind)).toEqual([KIND.call, KIND.cancel]);
  expect(pair.server.sent.map(({ kind, name }) => [kind, name])).toEqual([[KIND.error, "ipc.cancelled"]]);
});

test("keeps the id of a cancelled call until its answer, and frees all ids on the next connection", async () => {
  const [held, released, forgotten] = (["hold", "release", "forget"] as const).map((name) =>
    vi.spyOn(CallIds.prototype, name),
  );
  onTestFinished(() => void vi.restoreAllMocks());
  const pair = fakePair();
  serve(pair.server, contract, { get: () => new Promise(() => {}) });
  const abort = new AbortController();
  const made = rejection(rpc(pair.client).remote(contract).get(1, { signal: abort.signal }));
  abort.abort();
  await made;
  expect([held?.mock.calls, released?.mock.calls]).toEqual([[[1]], []]);
  await settle(pair);
  expect(released?.mock.calls).toEqual([[1]]);
  pair.client.lose("Reconnecting");
  expect(forgotten).toHaveBeenCalledOnce();
});

test("answers calls over the fourth connection of a server that has calls from then on", async () => {
  const { server } = fakePair();
  server.stats.reconnects = 3;
  serve(server, contract, { get: () => "handled" });
  server.receive({ kind: KIND.call, id: 1, name: Buffer.from("get"), payload: "1" });
  await settle({ client: server, server });
  expect(server.sent.map(({ kind }) => kind)).toEqual([KIND.result]);
});

test("makes a call over the next connection, after the one that the other side drains", async () => {
  const pair = fakePair();
  serve(pair.server, contract, { get: () => "handled" });
  const api = rpc(pair.client).remote(contract);
  pair.server.drain();
  expect(await rejection(api.get(1))).toMatchObject({ code: "ipc.closing", executed: "no" });
  pair.client.lose("Reconnecting");
  pair.client.reconnect();
  const next = fakePair().server;
  pair.client.other = next;
  next.other = pair.client;
  serve(next, contract, { get: () => "handled by the next" });
  const made = api.get(1);
  await settle({ client: pair.client, server: next });
  expect(await made).toBe("handled by the next");
});

test("leaves no timer when the peer ends", async () => {
  stopClock();
  const pair = fakePair();
  serve(pair.server, contract, { get: () => new Promise(() => {}) });
  const made = rejection(rpc(pair.client).remote(contract).get(1, { timeoutMs: 50 }));
  await settle(pair);
  expect(vi.getTimerCount()).toBe(2);
  pair.client.destroy();
  expect(await made).toMatchObject({ code: "IPC_CLOSED" });
  expect(vi.getTimerCount()).toBe(0);
});
