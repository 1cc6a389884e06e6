import { getEventListeners } from "node:events";
import { Duplex } from "node:stream";
import { keyPairFromScalar } from "@ipc/crypto";
import { memoryPair } from "@ipc/transport";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { NO_CREDENTIALS } from "../negotiation/credentials.js";
import { clientHandshake } from "./client-handshake.js";
import { type HandshakeRun, runHandshake } from "./run-handshake.js";
import { serverHandshake } from "./server-handshake.js";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const RUN: HandshakeRun = { timeoutMs: 5_000 };
const GOLANG = { ...NO_CREDENTIALS, supportsSecure: false };
const PLAIN = { name: "orders", encryption: false, maxMessageSize: 2_048 } as const;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A stream whose input the test pushes; each write is noted. */
function wire(): { stream: Duplex; sent: string[] } {
  const sent: string[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      sent.push(hexOf(chunk));
      done();
    },
  });
  return { stream, sent };
}

const LISTENED = ["data", "end", "error", "close", "readable"] as const;
const listeners = (stream: Duplex): number[] => LISTENED.map((event) => stream.listenerCount(event));

/** All that the stream's next owner gets, when the peer then ends. */
async function remainder(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.push(null);
  await new Promise((resolve) => stream.once("end", resolve).resume());
  return hexOf(Buffer.concat(chunks));
}

describe("a handshake over a stream", () => {
  test.each([
    ["secure", true, NO_CREDENTIALS],
    ["compatible", true, GOLANG],
    ["plain", false, NO_CREDENTIALS],
  ])("succeeds on both sides: %s", async (mode, encryption, credentials) => {
    const [near, far] = memoryPair();
    const [client, server] = await Promise.all([
      runHandshake(near, clientHandshake({ name: "orders", maxMessageSize: 2_048, encryption }), RUN),
      runHandshake(far, serverHandshake({ encryption, maxMessageSize: 2_048, credentials }), RUN),
    ]);
    for (const { result, rest } of [client, server]) {
      expect(result).toMatchObject({ maxSendSize: 2_048, codec: { security: { mode } } });
      expect(rest).toHaveLength(0);
    }
    near.destroy();
    far.destroy();
  });

  test.each([
    ["golang-ipc's limits", GOLANG, /^00000020[0-9a-f]{64}$/],
    ["limits with an offer", NO_CREDENTIALS, /^0000004c[0-9a-f]{152}$/],
  ])("sends each item as one write: %s", async (_what, credentials, limits) => {
    const pair = keyPairFromScalar(new Uint8Array(48).fill(1));
    const { stream, sent } = wire();
    stream.push(bytes(`00 ${hexOf(keyPairFromScalar(new Uint8Array(48).fill(2)).publicKey)} 00`));
    const wants = { encryption: true, maxMessageSize: 2_048, credentials };
    await runHandshake(stream, serverHandshake(wants), { ...RUN, keyPair: async () => pair });
    expect(sent).toEqual(["0201", hexOf(pair.publicKey), expect.stringMatching(limits)]);
  });

  test("accepts items that arrive byte by byte (golang-ipc: row 11)", async () => {
    const { stream, sent } = wire();
    const run = runHandshake(stream, clientHandshake(PLAIN), RUN);
    for (const byte of bytes("0200 00000004 00300000")) {
      stream.push(Uint8Array.of(byte));
      await turn();
    }
    expect((await run).result.maxSendSize).toBe(3_145_728);
    expect(sent).toEqual(["00", "00"]);
  });

  test("returns or leaves in the paused stream all bytes behind it, for every two cuts", async () => {
    const input = bytes("0200 00000004 00300000 0000000400000001");
    for (let i = 0; i <= input.length; i++) {
      for (let j = i; j <= input.length; j++) {
        const { stream } = wire();
        for (const chunk of [input.subarray(0, i), input.subarray(i, j), input.subarray(j)]) {
          if (chunk.length > 0) stream.push(chunk);
        }
        const { rest } = await runHandshake(stream, clientHandshake(PLAIN), RUN);
        expect(stream.isPaused()).toBe(true);
        expect(hexOf(rest) + (await remainder(stream))).toBe("0000000400000001");
      }
    }
  });

  test("leaves no listener, timer or abort listener, and leaves the stream open", async () => {
    const { stream } = wire();
    const before = listeners(stream);
    const { signal } = new AbortController();
    stream.push(bytes("0200 00000004 00300000"));
    await runHandshake(stream, clientHandshake(PLAIN), { ...RUN, signal });
    expect(listeners(stream)).toEqual(before);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
    expect([stream.destroyed, stream.writableEnded]).toEqual([false, false]);
    vi.advanceTimersByTime(10_000);
    expect(stream.destroyed).toBe(false);
  });
});

describe("the authorize option", () => {
  const server = (): ReturnType<typeof serverHandshake> =>
    serverHandshake({ encryption: false, maxMessageSize: 2_048, instance: new Uint8Array(16) });
  const LIMITS = `0000003000000800495043580100000000010000${"00".repeat(32)}`;

  test.each([
    ["true", () => true],
    ["a promise of true", () => Promise.resolve(true)],
  ])("accepts a client with %s, and is called with the protection of the connection", async (_what, answer) => {
    const { stream, sent } = wire();
    stream.push(bytes("00 00"));
    const authorize = vi.fn(answer);
    await runHandshake(stream, server(), { ...RUN, authorize });
    expect(authorize.mock.calls).toEqual([[{ mode: "plain", peer: { psk: false } }]]);
    expect(sent).toEqual(["0200", LIMITS]);
  });

  const cause = new Error("no database");
  test.each([
    ["false", () => false, "rejected this client", undefined],
    ["a promise of false", () => Promise.resolve(false), "rejected this client", undefined],
    ["a promise that rejects", () => Promise.reject(cause), "failed", cause],
    [
      "an exception",
      () => {
        throw cause;
      },
      "failed",
      cause,
    ],
  ])("rejects a client with %s, before it sends any limits", async (_what, authorize, message, expected) => {
    const { stream, sent } = wire();
    stream.push(bytes("00 00"));
    const error = await runHandshake(stream, server(), { ...RUN, authorize }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: "SessionError",
      code: "IPC_NOT_AUTHORIZED",
      message: `client rejected: the \`authorize\` option ${message}`,
    });
    expect((error as Error).cause).toBe(expected);
    expect(sent).toEqual(["0200"]);
  });
});
