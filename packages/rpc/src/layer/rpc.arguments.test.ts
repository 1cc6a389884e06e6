import { expect, test } from "vitest";
import { keepUncaught } from "../../../../internal/testkit/src/uncaught-exceptions.js";
import { rejection } from "../../test/both-sides.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import { rpc } from "./rpc.js";

const contract = { get: method<unknown, string>(), upload: stream<unknown, never, number, unknown>() };

/** Iterables that throw when their iterator is asked for. */
const NOT_ITERABLE: readonly (readonly [string, () => AsyncIterable<unknown>])[] = [
  [
    "a locked ReadableStream",
    () => {
      const locked = new ReadableStream();
      locked.getReader();
      return locked as unknown as AsyncIterable<unknown>;
    },
  ],
  [
    "an iterable that throws",
    () => ({
      [Symbol.asyncIterator]: () => {
        throw new TypeError("no iterator");
      },
    }),
  ],
];

test.each(NOT_ITERABLE)("rejects a call and sends nothing when its items are %s", async (_what, items) => {
  const { client } = fakePair();
  const error = await rejection(rpc(client).remote(contract).upload(undefined, { items: items() }));
  expect(error).toBeInstanceOf(TypeError);
  expect(client.sent).toEqual([]);
  expect(rpc(client).stats.calls).toBe(0);
});

test.each(["get", "upload"] as const)(
  "does not send a %s whose signal aborts while its input is encoded",
  async (name) => {
    const pair = fakePair();
    const abort = new AbortController();
    const input = { toJSON: () => String(abort.abort("enough")) };
    let returned = 0;
    const items: Iterable<number> = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: false, value: 1 }),
        return: () => ({ done: true, value: ++returned }),
      }),
    };
    const api = rpc(pair.client).remote(contract);
    const { signal } = abort;
    const made = rejection(name === "get" ? api.get(input, { signal }) : api.upload(input, { signal, items }));
    expect(await made).toMatchObject({ code: "IPC_ABORTED", executed: "no", cause: "enough" });
    await settle(pair);
    expect([pair.client.sent, rpc(pair.client).stats.calls]).toEqual([[], 0]);
    if (name === "upload") expect(returned).toBe(1);
  },
);

test.each<[string, (pair: ReturnType<typeof fakePair>) => unknown]>([
  ["whose calls are closed", ({ client }) => rpc(client).close()],
  ["that is closed", ({ client }) => client.destroy()],
  ["whose other side drains", ({ server }) => server.drain()],
  ["with a full queue", ({ client }) => Object.assign(client, { refuses: "IPC_QUEUE_FULL" })],
])("does not end the process when nothing awaits a one-way call: over a peer %s", async (_what, prepare) => {
  const uncaught = keepUncaught();
  const pair = fakePair();
  const api = rpc(pair.client).remote(contract);
  rpc(pair.server);
  await prepare(pair);
  void api.get(1, { oneWay: true });
  void api.get(1n, { oneWay: true });
  expect(await rejection(api.get(1, { oneWay: true }))).toBeInstanceOf(Error);
  await new Promise((resolve) => setImmediate(resolve));
  expect(uncaught).toEqual([]);
});
