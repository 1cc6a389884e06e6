import { expect, test } from "vitest";
import { rejection } from "../../test/both-sides.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import { rpc, serve } from "./rpc.js";

const contract = { get: method<unknown, string>(), upload: stream<void, never, number, unknown>() };

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

test.each(NOT_ITERABLE)("rejects a call with its items, %s, and sends nothing", async (_what, items) => {
  const { client } = fakePair();
  const error = await rejection(rpc(client).remote(contract).upload(undefined, { items: items() }));
  expect(error).toBeInstanceOf(TypeError);
  expect(client.sent).toEqual([]);
  expect(rpc(client).stats.calls).toBe(0);
});
