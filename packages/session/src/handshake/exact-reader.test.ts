import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { ExactReader } from "./exact-reader.js";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");

/** A stream whose input the test pushes; what is written vanishes. */
function input(...chunks: Uint8Array[]): Duplex {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  for (const chunk of chunks) if (chunk.length > 0) stream.push(chunk);
  return stream;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** All that the next owner of the stream gets, when the peer then ends. */
async function remainder(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  stream.push(null);
  await new Promise((resolve) => stream.once("end", resolve).resume());
  return hexOf(Buffer.concat(chunks));
}

const LISTENED = ["data", "end", "error", "close"] as const;
const listeners = (stream: Duplex): number[] => LISTENED.map((event) => stream.listenerCount(event));

describe("exact reads", () => {
  test("return the requested bytes for every two cuts, and lose nothing for the next owner", async () => {
    const stream = bytes("0200 00000004 00300000 aabbcc");
    for (let i = 0; i <= stream.length; i++) {
      for (let j = i; j <= stream.length; j++) {
        const duplex = input(stream.subarray(0, i), stream.subarray(i, j), stream.subarray(j));
        const reader = new ExactReader(duplex);
        const items = [await reader.read(2, "a"), await reader.read(4, "b"), await reader.read(4, "c")];
        const rest = reader.release();
        expect(items.map(hexOf)).toEqual(["0200", "00000004", "00300000"]);
        expect(duplex.isPaused()).toBe(true);
        expect(hexOf(rest) + (await remainder(duplex))).toBe("aabbcc");
      }
    }
  });

  test("wait for bytes that arrive one by one", async () => {
    const duplex = input();
    const reader = new ExactReader(duplex);
    const read = reader.read(3, "three bytes");
    for (const byte of [1, 2, 3, 4]) {
      duplex.push(Uint8Array.of(byte));
      await turn();
    }
    expect(hexOf(await read)).toBe("010203");
    expect(hexOf(reader.release()) + (await remainder(duplex))).toBe("04");
  });

  test("take only the chunks that they need, and leave the rest to the stream", async () => {
    const duplex = input(bytes("0102"), bytes("03"), bytes("04"));
    const reader = new ExactReader(duplex);
    expect(hexOf(await reader.read(1, "a"))).toBe("01");
    await turn();
    expect(duplex.readableLength).toBe(2);
    expect(hexOf(await reader.read(1, "b"))).toBe("02");
    await turn();
    expect(duplex.readableLength).toBe(2);
    expect(reader.release()).toHaveLength(0);
  });

  test("do not start before a read is requested", async () => {
    const duplex = input(bytes("01"));
    const reader = new ExactReader(duplex);
    await turn();
    expect(duplex.readableLength).toBe(1);
    expect(hexOf(await reader.read(1, "a"))).toBe("01");
  });

  test("are served from the held bytes after the stream has ended", async () => {
    const duplex = input(bytes("0102"));
    duplex.push(null);
    const reader = new ExactReader(duplex);
    expect(hexOf(await reader.read(1, "a"))).toBe("01");
    expect(hexOf(await reader.read(1, "b"))).toBe("02");
    await expect(reader.read(1, "the last byte")).rejects.toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
  });
});

describe("a read that cannot be served", () => {
  test("rejects with its progress when the stream ends in its middle", async () => {
    const duplex = input(bytes("0102"));
    const reader = new ExactReader(duplex);
    const read = reader.read(5, "the server's limits");
    duplex.push(null);
    await expect(read).rejects.toMatchObject({
      name: "SessionError",
      code: "IPC_HANDSHAKE_FAILED",
      message: expect.stringContaining("connection ended: 2 of 5 bytes of the server's limits received"),
    });
  });

  test("rejects with the stream's error as cause", async () => {
    const cause = Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
    const duplex = input();
    const reader = new ExactReader(duplex);
    const read = reader.read(1, "a");
    duplex.destroy(cause);
    await expect(read).rejects.toMatchObject({ code: "IPC_HANDSHAKE_FAILED", cause });
    await expect(reader.read(1, "b")).rejects.toMatchObject({ code: "IPC_HANDSHAKE_FAILED", cause });
  });

  test("rejects when the stream is destroyed without an error", async () => {
    const duplex = input();
    const read = new ExactReader(duplex).read(1, "a");
    duplex.destroy();
    await expect(read).rejects.toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
  });

  test("rejects at once when the stream had ended before", async () => {
    const ended = input();
    ended.push(null);
    await new Promise((resolve) => ended.once("end", resolve).resume());
    const destroyed = input().destroy();
    await turn();
    for (const duplex of [ended, destroyed]) {
      await expect(new ExactReader(duplex).read(1, "a")).rejects.toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
    }
  });
});

describe("release", () => {
  test("leaves no listener", async () => {
    const duplex = input(bytes("01"));
    const before = listeners(duplex);
    const reader = new ExactReader(duplex);
    expect(listeners(duplex)).not.toEqual(before);
    await reader.read(1, "a");
    reader.release();
    expect(listeners(duplex)).toEqual(before);
  });

  test("leaves the stream paused during a read, and later bytes go to the next owner", async () => {
    const duplex = input();
    const reader = new ExactReader(duplex);
    void reader.read(2, "a");
    await turn();
    reader.release();
    duplex.push(bytes("0102"));
    await turn();
    expect(duplex.isPaused()).toBe(true);
    expect(await remainder(duplex)).toBe("0102");
  });
});
