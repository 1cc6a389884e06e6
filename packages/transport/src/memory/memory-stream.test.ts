import { once } from "node:events";
import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { turns } from "../../test/scratch.js";
import { memoryPair } from "./memory-stream.js";

const closed = (stream: Duplex): Promise<unknown> =>
  stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once("close", resolve));
/** Reads to the end. Not `node:stream/consumers`, which destroys a Duplex that it has read. */
async function drain(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(stream, "end");
  return Buffer.concat(chunks);
}
const written = (stream: Duplex, data: Uint8Array): Promise<unknown> =>
  new Promise((resolve) => stream.write(data, (error) => resolve(error ?? undefined)));

describe("data of a memory stream", () => {
  test("arrives neither within the write nor before the event loop has turned", async () => {
    const [near, far] = memoryPair();
    let arrived = false;
    far.on("data", () => {
      arrived = true;
    });
    near.write("x");
    expect(arrived).toBe(false);
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(arrived).toBe(false);
    await turns(2);
    expect(arrived).toBe(true);
  });

  test("does not starve timers when every chunk is answered with another one", async () => {
    const [near, far] = memoryPair();
    far.on("data", (chunk) => far.write(chunk));
    near.on("data", (chunk) => near.write(chunk));
    near.write("ping");
    // Never fires while the chunks keep the event loop from its timers.
    await new Promise((resolve) => setTimeout(resolve));
    near.destroy();
    await Promise.all([closed(near), closed(far)]);
  });
});

describe("a stalled reader", () => {
  test("makes the writer wait after a bounded number of bytes, and go on after a read", async () => {
    const [near, far] = memoryPair();
    const chunk = Buffer.alloc(16_384, 7);
    let accepted = 0;
    for (let index = 0; index < 64; index++) void written(near, chunk).then(() => accepted++);
    await turns(100);
    expect(near.writableNeedDrain).toBe(true);
    const taken = accepted;
    expect(taken).toBeLessThan(64);
    await turns(100);
    expect(accepted).toBe(taken);

    near.end();
    expect((await drain(far)).length).toBe(64 * chunk.length);
    expect(accepted).toBe(64);
  });
});

describe("an end of a memory stream", () => {
  test("leaves the other direction open until the reader has seen it", async () => {
    const [near, far] = memoryPair();
    near.end();
    await turns(3);
    far.write("still");
    near.setEncoding("utf8");
    expect((await once(near, "data"))[0]).toBe("still");
    far.resume();
    await Promise.all([closed(near), closed(far)]);
  });
});

describe("destroying a memory stream", () => {
  test("with an error resets the other side", async () => {
    const [near, far] = memoryPair();
    const cause = new Error("broken");
    near.destroy(cause);
    const [error] = await once(far, "error");
    expect(error).toMatchObject({ code: "ECONNRESET" });
    expect(near.errored).toBe(cause);
    await Promise.all([closed(near), closed(far)]);
  });

  test("with unread data resets the other side", async () => {
    const [near, far] = memoryPair();
    await written(near, Buffer.from("unread"));
    far.destroy();
    expect((await once(near, "error"))[0]).toMatchObject({ code: "ECONNRESET" });
  });

  test("in the listener for the last chunk does not reset the other side", async () => {
    const [near, far] = memoryPair();
    far.on("data", () => far.destroy());
    expect(await written(near, Buffer.from("all"))).toBeUndefined();
    await drain(near);
    expect(near.errored).toBeNull();
  });

  test("settles every write of either side", async () => {
    const [near, far] = memoryPair();
    const outcomes = Promise.all(Array.from({ length: 20 }, () => written(near, Buffer.alloc(50_000))));
    await turns(10);
    far.destroy();
    const errors = (await outcomes).filter((outcome) => outcome !== undefined);
    expect(errors.length).toBeGreaterThan(0);

    const [left, right] = memoryPair();
    const others = Promise.all(Array.from({ length: 20 }, () => written(left, Buffer.alloc(50_000))));
    await turns(10);
    left.destroy();
    expect((await others).filter((outcome) => outcome !== undefined).length).toBeGreaterThan(0);
    right.resume();
    await Promise.all([closed(left), closed(right), closed(near)]);
  });

  test("makes the other side's next write fail", async () => {
    const [near, far] = memoryPair();
    far.destroy();
    expect(await written(near, Buffer.from("x"))).toMatchObject({ code: "EPIPE" });
    await closed(near);
  });

  test("does not throw when it has no listeners", async () => {
    const [near, far] = memoryPair();
    near.destroy(new Error("broken"));
    await Promise.all([closed(near), closed(far)]);
  });
});
