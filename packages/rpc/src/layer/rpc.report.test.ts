import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import { keepUncaught } from "../../../../internal/testkit/src/uncaught-exceptions.js";
import { rejection } from "../../test/both-sides.js";
import { fakePair, settle } from "../../test/fake-peer.js";
import { method, stream } from "../contract/method.js";
import { rpc, serve } from "./rpc.js";

const contract = { get: method<void, void>(), upload: stream<void, never, void, number>() };

const THROWN: readonly (readonly [string, () => unknown, string])[] = [
  ["an object without a prototype", () => Object.create(null), "an object"],
  ["undefined", () => undefined, "undefined"],
  ["a symbol", () => Symbol("odd"), "Symbol(odd)"],
  [
    "an object whose getters throw",
    () => ({
      get message() {
        throw new Error("not to be read");
      },
      stack: "",
    }),
    "an object",
  ],
];

describe("a handler that throws", () => {
  test.each(THROWN)("%s is answered with `ipc.internal`, and logged", async (_what, make, shown) => {
    const pair = fakePair();
    const log: string[] = [];
    rpc(pair.server, { logger: { error: (text) => void log.push(text) } });
    serve(
      pair.server,
      { get: contract.get },
      { exposeErrors: true },
      {
        get: () => {
          throw make();
        },
      },
    );
    const made = rejection(rpc(pair.client).remote(contract).get());
    await settle(pair);
    expect(await made).toMatchObject({ code: "ipc.internal", executed: "yes" });
    expect(log).toEqual([`rpc: the handler of get failed: ${shown}`]);
  });

  test("is answered when the logger throws, and the logger's exception is uncaught", async () => {
    const uncaught = keepUncaught();
    const pair = fakePair();
    const full = new Error("disk full");
    rpc(pair.server, {
      logger: {
        error: () => {
          throw full;
        },
      },
    });
    serve(pair.server, { get: contract.get }, { get: () => Promise.reject(new Error("failed")) });
    const made = rejection(rpc(pair.client).remote(contract).get());
    await settle(pair);
    expect(await made).toMatchObject({ code: "ipc.internal" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(uncaught).toEqual([full]);
  });
});

test("rejects the call with undefined when the caller's items throw it, also with a subscriber", async () => {
  const uncaught = keepUncaught();
  const outcomes: unknown[] = [];
  const listener = (event: unknown): void => void outcomes.push((event as { outcome: string }).outcome);
  subscribe("tracing:ipc.call:asyncEnd", listener);
  onTestFinished(() => void unsubscribe("tracing:ipc.call:asyncEnd", listener));
  const pair = fakePair();
  serve(pair.server, { upload: contract.upload }, { upload: () => new Promise(() => {}) });
  const items = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(undefined) }) };
  expect(await rejection(rpc(pair.client).remote(contract).upload(undefined, { items }))).toBeUndefined();
  await settle(pair);
  expect([outcomes, uncaught]).toEqual([["error"], []]);
});
