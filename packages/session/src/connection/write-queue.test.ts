import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { unawaitedWrites } from "../../test/silent-slips.js";
import { WriteQueue, type WriteSink } from "./write-queue.js";

const data = (length: number): Uint8Array => new Uint8Array(length);

/** Takes as many messages as it has room for, and notes their types. */
class Sink implements WriteSink {
  room: number;
  readonly accepted: (number | "flush")[] = [];
  readonly signals: (AbortSignal | undefined)[] = [];
  /** The further wait of an accepted message or a flush. */
  more: Promise<void> | undefined;

  constructor(room: number) {
    this.room = room;
  }

  hasRoom(): boolean {
    return this.room > 0;
  }

  accept(type: number, _data: Uint8Array, signal?: AbortSignal): Promise<void> | undefined {
    this.room--;
    this.signals.push(signal);
    this.accepted.push(type);
    return this.more;
  }

  flushed(signal?: AbortSignal): Promise<void> | undefined {
    this.signals.push(signal);
    this.accepted.push("flush");
    return this.more;
  }
}

function settleable(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let settle: { resolve: () => void; reject: (error: Error) => void } | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { promise, ...(settle as NonNullable<typeof settle>) };
}

/** Returns the outcome of each promise so far, without waiting for any. */
async function outcomes(promises: readonly Promise<void>[]): Promise<string[]> {
  const states = promises.map(() => "pending");
  promises.forEach((promise, index) => {
    promise.then(
      () => (states[index] = "done"),
      (error: { code?: string }) => (states[index] = error.code ?? "failed"),
    );
  });
  await new Promise((resolve) => setImmediate(resolve));
  return states;
}

describe("waiting writes", () => {
  test("are accepted in order, as many as there is room for", async () => {
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const promises = [1, 2, 3, 4].map((type) => waiting.write(type, data(10), undefined));
    expect([waiting.size, waiting.bytes]).toEqual([4, 680]);
    const sink = new Sink(2);
    waiting.drainInto(sink);
    expect(await outcomes(promises)).toEqual(["done", "done", "pending", "pending"]);
    expect([sink.accepted, waiting.size, waiting.bytes]).toEqual([[1, 2], 2, 340]);
    waiting.drainInto(sink);
    expect(sink.accepted).toEqual([1, 2]);
    sink.room = 9;
    waiting.drainInto(sink);
    expect(await outcomes(promises)).toEqual(["done", "done", "done", "done"]);
    expect([sink.accepted, waiting.size, waiting.bytes]).toEqual([[1, 2, 3, 4], 0, 0]);
  });

  test.each([
    ["a copy of 65 471 bytes, which the caller may overwrite at once", 65_471, 1],
    ["the caller's own 65 472 bytes", 65_472, 9],
  ])("pass on their type, and %s", (_what, length, first) => {
    const waiting = new WriteQueue(10_000, unawaitedWrites);
    // That of a Buffer shares its memory when it is sliced.
    const bytes = Buffer.alloc(length, 1);
    void waiting.write(5, bytes, undefined);
    bytes.fill(9);
    const seen: [number, number, number][] = [];
    waiting.drainInto({
      hasRoom: () => true,
      accept: (type, { length: accepted, 0: byte = 0 }) => void seen.push([type, accepted, byte]),
      flushed: () => undefined,
    });
    expect(seen).toEqual([[5, length, first]]);
  });

  test("settle with the promise of the sink", async () => {
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const promises = [waiting.write(1, data(1), undefined), waiting.flush(undefined)];
    const sink = new Sink(2);
    const kernel = settleable();
    sink.more = kernel.promise;
    waiting.drainInto(sink);
    expect(sink.accepted).toEqual([1, "flush"]);
    expect(await outcomes(promises)).toEqual(["pending", "pending"]);
    kernel.reject(Object.assign(new Error("cut"), { code: "IPC_CONNECTION_LOST" }));
    expect(await outcomes(promises)).toEqual(["IPC_CONNECTION_LOST", "IPC_CONNECTION_LOST"]);
  });

  test("are accepted before a flush that follows them", async () => {
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const promises = [
      waiting.write(1, data(1), undefined),
      waiting.flush(undefined),
      waiting.write(2, data(1), undefined),
    ];
    const sink = new Sink(1);
    waiting.drainInto(sink);
    expect(await outcomes(promises)).toEqual(["done", "pending", "pending"]);
    sink.room = 2;
    waiting.drainInto(sink);
    expect(sink.accepted).toEqual([1, "flush", 2]);
    expect(await outcomes(promises)).toEqual(["done", "done", "done"]);
  });
});

test("a waiting write rejects and sends nothing when its data is transferred", async () => {
  const waiting = new WriteQueue(10_000, unawaitedWrites);
  const bytes = data(100_000);
  const written = waiting.write(1, bytes, undefined);
  const next = waiting.write(2, data(1), undefined);
  structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
  const sink = new Sink(2);
  waiting.drainInto(sink);
  await expect(written).rejects.toThrow("`data` had 100000 bytes and has 0 since its buffer was transferred");
  await next;
  expect([sink.accepted, waiting.bytes]).toEqual([[2], 0]);
});

describe("an abort", () => {
  test("removes a write with its bytes, its place and its listener", async () => {
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const controller = new AbortController();
    const reason = new Error("enough");
    const promises = [
      waiting.write(1, data(10), undefined),
      waiting.write(2, data(500), controller.signal),
      waiting.write(3, data(10), undefined),
    ];
    controller.abort(reason);
    await expect(promises[1]).rejects.toMatchObject({ code: "IPC_ABORTED", name: "AbortError", cause: reason });
    expect([waiting.size, waiting.bytes]).toEqual([2, 340]);
    const sink = new Sink(9);
    waiting.drainInto(sink);
    expect(sink.accepted).toEqual([1, 3]);
    expect(await outcomes(promises)).toEqual(["done", "IPC_ABORTED", "done"]);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  test("rejects a write and queues nothing when it comes first", async () => {
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const signal = AbortSignal.abort("no");
    const promises = [waiting.write(1, data(1), signal), waiting.flush(signal)];
    expect([waiting.size, waiting.bytes]).toEqual([0, 0]);
    expect(await outcomes(promises)).toEqual(["IPC_ABORTED", "IPC_ABORTED"]);
    await expect(promises[1]).rejects.toMatchObject({ message: "flush: aborted by its signal", cause: "no" });
  });

  test("is passed to the sink when the entry was accepted", async () => {
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const controller = new AbortController();
    const promises = [waiting.write(1, data(1), controller.signal), waiting.flush(controller.signal)];
    const sink = new Sink(2);
    const kernel = settleable();
    sink.more = kernel.promise;
    waiting.drainInto(sink);
    controller.abort();
    expect(sink.signals).toEqual([controller.signal, controller.signal]);
    expect(await outcomes(promises)).toEqual(["pending", "pending"]);
    kernel.resolve();
    expect(await outcomes(promises)).toEqual(["done", "done"]);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });
});

describe("the queue of waiting writes", () => {
  test("holds 16 times maxQueuedBytes, and rejects the next write with its figures", async () => {
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const full = [waiting.write(1, data(16_384 - 320), undefined), waiting.write(2, data(0), undefined)];
    expect(waiting.bytes).toBe(16_384);
    const refused = waiting.write(3, data(0), undefined);
    await expect(refused).rejects.toMatchObject({
      code: "IPC_QUEUE_FULL",
      message: expect.stringContaining("write queue full: 2 writes, 16384 bytes, limit 16384 (16 × maxQueuedBytes)"),
    });
    expect([waiting.size, waiting.bytes]).toEqual([2, 16_384]);
    const sink = new Sink(9);
    waiting.drainInto(sink);
    expect(sink.accepted).toEqual([1, 2]);
    expect(await outcomes([...full, waiting.write(4, data(0), undefined)])).toEqual(["done", "done", "pending"]);
  });

  test("accepts one message of any size while it is empty", async () => {
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const promises = [waiting.write(1, data(1_000_000), undefined), waiting.write(2, data(0), undefined)];
    expect(await outcomes(promises)).toEqual(["pending", "IPC_QUEUE_FULL"]);
    expect(waiting.bytes).toBe(1_000_160);
  });

  test("is emptied by rejectAll: every wait rejects, and no listener is left", async () => {
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const { signal } = new AbortController();
    const promises = [waiting.write(1, data(5), signal), waiting.flush(signal), waiting.write(2, data(5), undefined)];
    const error = new Error("the connection is gone");
    waiting.rejectAll(error);
    expect([waiting.size, waiting.bytes]).toEqual([0, 0]);
    for (const promise of promises) await expect(promise).rejects.toBe(error);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    const sink = new Sink(9);
    waiting.drainInto(sink);
    expect(sink.accepted).toEqual([]);
  });

  test("rejects writes when the connected peer does not accept their size", async () => {
    const waiting = new WriteQueue(1_024, unawaitedWrites);
    const written = [2_000, 2_001, 0].map((length, type) => waiting.write(type + 1, data(length), undefined));
    const flushed = waiting.flush(undefined);
    waiting.rejectLarger(2_000);
    const sink = new Sink(3);
    waiting.drainInto(sink);
    expect(await outcomes([...written, flushed])).toEqual(["done", "IPC_MESSAGE_TOO_LARGE", "done", "done"]);
    expect(sink.accepted).toEqual([1, 3, "flush"]);
    expect([waiting.size, waiting.bytes]).toEqual([0, 0]);
  });
});
