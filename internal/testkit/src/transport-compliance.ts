import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { DialOptions, Listener, ListenOptions } from "@ipc/transport";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "./eventually.js";

/** A transport with a name to listen and to dial at. */
export interface TransportEnds {
  readonly listen: (onStream: (stream: Duplex) => void, options: ListenOptions) => Promise<Listener>;
  readonly dial: (options: DialOptions) => Promise<Duplex>;
  /** As `listen` and `dial`, with another name. */
  readonly listenAt: (name: string) => Promise<Listener>;
  readonly dialAt: (name: string) => Promise<Duplex>;
}

export interface Losable extends TransportEnds {
  /** Takes away what an open listener stands on. */
  readonly loseListener: () => Promise<unknown>;
}

const MANY = 100;
const MIB = 1_048_576;
/** A transport that takes more than this for a reader that stands still has no back-pressure. */
const MOST_ON_THE_WAY = 8 * MIB;

const echo = (stream: Duplex): void => void stream.pipe(stream);

/** Not `once`, which rejects with an 'error' before. */
const whenClosed = (stream: Duplex): Promise<unknown> =>
  stream.closed ? Promise.resolve() : new Promise((resolve) => stream.once("close", resolve));

const written = (stream: Duplex, data: Uint8Array): Promise<unknown> =>
  new Promise((resolve) => stream.write(data, (error) => resolve(error ?? undefined)));

/** Reads to the end. Not `node:stream/consumers`, which destroys a Duplex that it has read. */
function drain(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => chunks.push(chunk));
  return once(stream, "end").then(() => Buffer.concat(chunks));
}

interface Pending<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
}

function deferred<T>(): Pending<T> {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await setImmediate();
}

/** The tests that every transport passes. @param open makes the ends for one test, and releases them after it */
export function testTransport(open: () => TransportEnds | Promise<TransportEnds>): void {
  async function listening(onStream: (stream: Duplex) => void, options: ListenOptions = {}) {
    const ends = await open();
    const listener = await ends.listen(onStream, options);
    onTestFinished(() => listener.close());
    return { ...ends, listener };
  }

  async function connected(): Promise<[near: Duplex, far: Duplex]> {
    const accepted = deferred<Duplex>();
    const { dial } = await listening(accepted.resolve);
    const near = await dial({});
    const far = await accepted.promise;
    onTestFinished(() => {
      near.destroy();
      far.destroy();
    });
    return [near, far];
  }

  test("carries bytes in order, in both directions at once", async () => {
    const [near, far] = await connected();
    const chunks = Array.from({ length: 500 }, (_, index) => Buffer.alloc((index * 37) % 2_000, index));
    for (const chunk of chunks) {
      near.write(chunk);
      far.write(chunk);
    }
    near.end();
    far.end();
    const whole = Buffer.concat(chunks);
    const received = await Promise.all([drain(near), drain(far)]);
    expect(received.map((data) => data.equals(whole))).toEqual([true, true]);
  });

  test("carries 8 MiB in one write", async () => {
    const [near, far] = await connected();
    const data = randomBytes(8 * MIB);
    const hash = createHash("sha256");
    far.on("data", (chunk: Buffer) => hash.update(chunk));
    near.end(data);
    await once(far, "end");
    expect(hash.digest("hex")).toBe(createHash("sha256").update(data).digest("hex"));
  });

  test("leaves the memory of a chunk to its writer once it is written", async () => {
    const [near, far] = await connected();
    const data = Buffer.alloc(70_000, 1);
    const received = drain(far);
    await written(near, data);
    data.fill(2);
    near.end();
    expect((await received).equals(Buffer.alloc(70_000, 1))).toBe(true);
  });

  test("keeps what arrives before the owner reads", async () => {
    const [near, far] = await connected();
    near.end("early");
    await turns(5);
    expect(String(await drain(far))).toBe("early");
  });

  test("makes the writer wait while the reader stands still, and go on after that", async () => {
    const [near, far] = await connected();
    const chunk = Buffer.alloc(65_536, 7);
    let taken = 0;
    for (let index = 0; index < 256; index++) void written(near, chunk).then(() => taken++);
    for (let before = -1; before < taken; await turns(200)) before = taken;
    expect(taken * chunk.length).toBeLessThanOrEqual(MOST_ON_THE_WAY);
    expect(far.readableLength).toBeLessThanOrEqual(MIB);
    near.end();
    expect((await drain(far)).length).toBe(256 * chunk.length);
    expect(taken).toBe(256);
  });

  test("ends the other side, which still sends what it has queued, and then closes both", async () => {
    const [near, far] = await connected();
    near.end("question");
    far.write("an ");
    far.write("answer");
    expect((await Promise.all([drain(far), drain(near)])).map(String)).toEqual(["question", "an answer"]);
    await Promise.all([whenClosed(near), whenClosed(far)]);
    expect([near.errored, far.errored]).toEqual([null, null]);
  });

  test("delivers what was written before destroy(), then the end", async () => {
    const [near, far] = await connected();
    const received = drain(far);
    await written(near, Buffer.from("last words"));
    near.destroy();
    expect(String(await received)).toBe("last words");
    await whenClosed(far);
    expect(far.errored).toBeNull();
  });

  test("closes the other side when a side is destroyed with unread data", async () => {
    const [near, far] = await connected();
    await written(near, Buffer.from("unread"));
    far.read(0);
    await eventually(() => expect(far.readableLength).toBeGreaterThan(0));
    near.resume();
    far.destroy();
    await whenClosed(near);
  });

  test("settles every write when either side is destroyed, and no error is uncaught", async () => {
    for (const side of [0, 1]) {
      const ends = await connected();
      const writes = Array.from({ length: 400 }, () => written(ends[0], Buffer.alloc(50_000)));
      await turns(10);
      ends[side as 0 | 1].destroy(new Error("broken"));
      ends[0].resume();
      expect((await Promise.all(writes)).filter((error) => error !== undefined).length).toBeGreaterThan(0);
      ends[1].resume();
      await Promise.all(ends.map(whenClosed));
    }
  });

  test(`serves ${MANY} connections at once, each with its own bytes`, async () => {
    const open = new Set<Duplex>();
    const { dial } = await listening((stream) => {
      open.add(stream.once("close", () => open.delete(stream)));
      echo(stream);
    });
    const answers = Array.from({ length: MANY }, async (_, index) => {
      const stream = await dial({});
      stream.end(`${index} `.repeat(1_000));
      return String(await drain(stream)) === `${index} `.repeat(1_000);
    });
    expect((await Promise.all(answers)).filter(Boolean)).toHaveLength(MANY);
    await eventually(() => expect(open.size).toBe(0));
  });

  test("rejects a dial with IPC_NO_SERVER before a listener opens and after it has closed, and spares its streams", async () => {
    const ends = await open();
    await expect(ends.dial({})).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
    const accepted = deferred<Duplex>();
    const listener = await ends.listen(accepted.resolve, {});
    const stream = await ends.dial({});
    echo(await accepted.promise);
    await listener.close();
    await listener.close();
    await expect(ends.dial({})).rejects.toMatchObject({ code: "IPC_NO_SERVER" });
    stream.end("hello");
    expect(String(await drain(stream))).toBe("hello");
    await (await ends.listen(echo, {})).close();
  });

  test("rejects when its signal was aborted before", async () => {
    const { dial, listen } = await open();
    const signal = AbortSignal.abort("enough");
    const aborted = { code: "IPC_ABORTED", name: "AbortError", cause: "enough" };
    await expect(listen(echo, { signal })).rejects.toMatchObject(aborted);
    await expect(dial({ signal })).rejects.toMatchObject(aborted);
  });

  test("gives a connection or leaves none when a dial is aborted in any macrotask", async () => {
    const open = new Set<Duplex>();
    const { dial } = await listening((stream) => open.add(stream.resume().once("close", () => open.delete(stream))));
    for (let turn = 0; turn < 8; turn++) {
      const abort = new AbortController();
      const outcome = dial({ signal: abort.signal }).catch((error: unknown) => error);
      await turns(turn);
      abort.abort();
      const settled = await outcome;
      if (settled instanceof Error) expect(settled).toMatchObject({ code: "IPC_ABORTED" });
      else (settled as Duplex).destroy();
    }
    (await dial({})).destroy();
    await eventually(() => expect(open.size).toBe(0));
  });

  test("rejects, and does not throw, for an invalid name", async () => {
    const { dialAt, listenAt } = await open();
    const wrong = { code: "IPC_NAME_INVALID" };
    await expect(listenAt("../x")).rejects.toMatchObject(wrong);
    await expect(dialAt("../x")).rejects.toMatchObject(wrong);
  });
}

/** The test of a transport whose listener can be lost by what `loseListener` does. */
export function testListenerLoss(open: () => Promise<Losable>): void {
  test("reports a listener that is lost, once", async () => {
    const lost = deferred<unknown>();
    const errors: unknown[] = [];
    const onLost = (error: unknown): void => {
      errors.push(error);
      lost.resolve(error);
    };
    const { loseListener, listen } = await open();
    const listener = await listen(echo, { onLost });
    await loseListener();
    expect(await lost.promise).toMatchObject({ code: "IPC_LISTENER_LOST" });
    await listener.close();
    expect(errors).toHaveLength(1);
  });
}
