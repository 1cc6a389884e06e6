import { getEventListeners } from "node:events";
import { Duplex } from "node:stream";
import { type KeyPair, keyPairFromScalar } from "@ipc/crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clientHandshake } from "./client-handshake.js";
import { type HandshakeRun, runHandshake } from "./run-handshake.js";
import { serverHandshake } from "./server-handshake.js";
import type { Handshake } from "./steps.js";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const RUN: HandshakeRun = { timeoutMs: 5_000 };
const client = (): Handshake<unknown> => clientHandshake({ name: "orders", maxMessageSize: 2_048, encryption: false });
const server = (): Handshake<unknown> => serverHandshake({ encryption: false, maxMessageSize: 2_048 });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stream with input from the peer; what is written is noted. */
function wire(input = ""): { stream: Duplex; sent: string[] } {
  const sent: string[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      sent.push(hexOf(chunk));
      done();
    },
  });
  if (input !== "") stream.push(bytes(input));
  return { stream, sent };
}

/** Expects that nothing is left after the stream's end: it is destroyed, and has no listener for input. */
async function expectGone(stream: Duplex, signal?: AbortSignal): Promise<void> {
  await turn();
  expect([stream.destroyed, stream.closed]).toEqual([true, true]);
  for (const event of ["data", "readable", "close"]) expect(stream.listenerCount(event)).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
  if (signal !== undefined) expect(getEventListeners(signal, "abort")).toEqual([]);
}

describe("a handshake that takes too long", () => {
  test.each([
    ["the server's hello", client, ""],
    ["the server's hello", client, "02"],
    ["the length of the server's limits", client, "0200"],
    ["the server's limits", client, "0200 00000004 003000"],
    ["the client's reply to the hello", server, ""],
    ["the client's reply to the limits", server, "00"],
  ])("rejects, and names the awaited item: %s", async (what, handshake, input) => {
    const { stream } = wire(input);
    const { signal } = new AbortController();
    const run = runHandshake(stream, handshake(), { ...RUN, signal });
    await turn();
    vi.advanceTimersByTime(4_999);
    await turn();
    expect(stream.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    await expect(run).rejects.toMatchObject({
      name: "SessionError",
      code: "IPC_HANDSHAKE_TIMEOUT",
      message: expect.stringContaining(`handshake timed out: 5000 ms, waiting for ${what};`),
    });
    await expectGone(stream, signal);
  });

  test("rejects at its deadline even though each byte arrives in time", async () => {
    const { stream } = wire();
    const run = runHandshake(stream, client(), RUN);
    const outcome = expect(run).rejects.toMatchObject({ code: "IPC_HANDSHAKE_TIMEOUT" });
    for (const byte of bytes("0200 000000")) {
      stream.push(Uint8Array.of(byte));
      await turn();
      expect(stream.destroyed).toBe(false);
      vi.advanceTimersByTime(1_000);
    }
    await outcome;
    await expectGone(stream);
  });

  test("rejects when the authorize option takes too long, and its late answer accepts no client", async () => {
    const { stream, sent } = wire("00 00");
    let answer: (allowed: boolean) => void = () => {};
    const authorize = (): Promise<boolean> => new Promise((resolve) => (answer = resolve));
    const run = runHandshake(stream, server(), { ...RUN, authorize });
    await turn();
    vi.advanceTimersByTime(5_000);
    await expect(run).rejects.toMatchObject({ message: expect.stringContaining("the server's authorize option") });
    answer(true);
    await expectGone(stream);
    expect(sent).toEqual(["0200"]);
  });

  test("ends its generator: that releases its secrets, and a late key pair is dropped", async () => {
    const { stream, sent } = wire();
    let released = 0;
    function* handshake(): Handshake<void> {
      try {
        yield { kind: "keyPair" };
        yield { kind: "send", bytes: Uint8Array.of(1) };
      } finally {
        released++;
      }
    }
    let give: (pair: KeyPair) => void = () => {};
    const keyPair = (): Promise<KeyPair> => new Promise((resolve) => (give = resolve));
    const run = runHandshake(stream, handshake(), { ...RUN, keyPair });
    await turn();
    vi.advanceTimersByTime(5_000);
    await expect(run).rejects.toMatchObject({ code: "IPC_HANDSHAKE_TIMEOUT" });
    expect(released).toBe(1);
    give(keyPairFromScalar(new Uint8Array(48).fill(1)));
    await expectGone(stream);
    expect(sent).toEqual([]);
  });
});

describe("an abort", () => {
  test("tells the progress that the peer is no longer awaited", async () => {
    const { stream } = wire();
    const controller = new AbortController();
    const progress = { sent: 0, isAwaited: false };
    const run = runHandshake(stream, server(), { ...RUN, signal: controller.signal, progress });
    await turn();
    expect(progress.isAwaited).toBe(true);
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: "IPC_ABORTED" });
    expect(progress.isAwaited).toBe(false);
  });

  test("ends a handshake in progress, with the reason as cause", async () => {
    const { stream } = wire("0200");
    const controller = new AbortController();
    const reason = new Error("enough");
    const run = runHandshake(stream, client(), { ...RUN, signal: controller.signal });
    await turn();
    controller.abort(reason);
    await expect(run).rejects.toMatchObject({ name: "AbortError", code: "IPC_ABORTED", cause: reason });
    await expectGone(stream, controller.signal);
  });

  test("removes a handshake from the queue for key derivation", async () => {
    const { stream } = wire();
    const abort = new AbortController();
    const { privateKey, publicKey } = keyPairFromScalar(Buffer.alloc(48, 0x11));
    let derived = 0;
    function* deriving(): Handshake<void> {
      yield {
        kind: "sharedSecret",
        get privateKey() {
          derived++;
          return privateKey;
        },
        publicKey,
      };
    }
    const before = runHandshake(wire().stream, deriving(), RUN);
    const run = runHandshake(stream, deriving(), { ...RUN, signal: abort.signal });
    abort.abort();
    await expect(run).rejects.toMatchObject({ code: "IPC_ABORTED" });
    await before;
    await turn();
    await turn();
    expect(derived).toBe(1);
    await expectGone(stream, abort.signal);
  });

  test("ends a handshake before anything is sent when it comes first", async () => {
    const { stream, sent } = wire();
    const run = runHandshake(stream, server(), { ...RUN, signal: AbortSignal.abort("no") });
    await expect(run).rejects.toMatchObject({ name: "AbortError", code: "IPC_ABORTED", cause: "no" });
    await expectGone(stream);
    expect(sent).toEqual([]);
  });

  test("changes nothing after the handshake", async () => {
    const { stream } = wire("0200 00000004 00300000");
    const controller = new AbortController();
    await runHandshake(stream, client(), { ...RUN, signal: controller.signal });
    controller.abort();
    await turn();
    expect(stream.destroyed).toBe(false);
  });
});

describe("a stream that ends", () => {
  test.each([
    ["before the first byte", "", "0 of 2 bytes of the server's hello"],
    ["within an item", "02", "1 of 2 bytes of the server's hello"],
    ["between two items", "0200", "0 of 4 bytes of the length of the server's limits"],
    ["within the limits", "0200 00000004 003000", "3 of 4 bytes of the server's limits"],
  ])("fails the handshake %s, and the error gives its progress", async (_when, input, message) => {
    const { stream } = wire(input);
    stream.push(null);
    const run = runHandshake(stream, client(), RUN);
    await expect(run).rejects.toMatchObject({
      name: "SessionError",
      code: "IPC_HANDSHAKE_FAILED",
      message: expect.stringContaining(`connection ended: ${message} received`),
    });
    await expectGone(stream);
  });

  test("fails the handshake with the stream's error as cause", async () => {
    const { stream } = wire();
    const cause = new Error("read ECONNRESET");
    const run = runHandshake(stream, client(), RUN);
    await turn();
    stream.destroy(cause);
    await expect(run).rejects.toMatchObject({ code: "IPC_HANDSHAKE_FAILED", cause });
    await expectGone(stream);
  });

  test("fails the handshake at once when it has ended before", async () => {
    const { stream, sent } = wire();
    stream.destroy();
    await turn();
    await expect(runHandshake(stream, client(), RUN)).rejects.toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    await expectGone(stream);
    expect(sent).toEqual([]);
  });
});

describe("a handshake that rejects its peer", () => {
  const refuse = (stream: Duplex): Promise<unknown> =>
    runHandshake(stream, clientHandshake({ name: "orders", maxMessageSize: 2_048, encryption: true }), RUN);

  test("sends its last item, ends its side, and destroys the stream when the peer ends", async () => {
    const { stream, sent } = wire("0200");
    await expect(refuse(stream)).rejects.toMatchObject({ code: "IPC_ENCRYPTION_REFUSED" });
    await turn();
    expect([sent, stream.writableFinished, stream.destroyed]).toEqual([["02"], true, false]);
    stream.push(null);
    await turn();
    await expectGone(stream);
  });

  test("waits 250 ms for that end, for any bytes that the peer still sends", async () => {
    const { stream } = wire("0200 00000004 00300000");
    await expect(refuse(stream)).rejects.toMatchObject({ code: "IPC_ENCRYPTION_REFUSED" });
    stream.push(new Uint8Array(100_000));
    await turn();
    expect([stream.destroyed, stream.readableLength]).toEqual([false, 0]);
    vi.advanceTimersByTime(250);
    await expectGone(stream);
  });

  test("ends in the same way when it got no key pair", async () => {
    const { stream } = wire("0201");
    const cause = new Error("no entropy");
    const run = runHandshake(stream, client(), { ...RUN, keyPair: () => Promise.reject(cause) });
    await expect(run).rejects.toBe(cause);
    vi.advanceTimersByTime(250);
    await expectGone(stream);
  });
});

test("a late failure of a handshake does not reach the process when no caller awaits it any more", async () => {
  const unhandled = vi.fn();
  process.on("unhandledRejection", unhandled);
  try {
    const { stream } = wire("00");
    let fail: (error: Error) => void = () => {};
    const authorize = (): Promise<boolean> => new Promise((_resolve, reject) => (fail = reject));
    const run = runHandshake(stream, server(), { ...RUN, authorize });
    await turn();
    vi.advanceTimersByTime(5_000);
    await expect(run).rejects.toMatchObject({ code: "IPC_HANDSHAKE_TIMEOUT" });
    fail(new Error("too late"));
    await turn();
    expect(unhandled).not.toHaveBeenCalled();
    await expectGone(stream);
  } finally {
    process.off("unhandledRejection", unhandled);
  }
});
