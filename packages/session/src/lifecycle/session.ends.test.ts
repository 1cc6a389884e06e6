import type { Duplex } from "node:stream";
import { memoryPair } from "@ipc/transport";
import { describe, expect, onTestFinished, test } from "vitest";
import { collect, failureOf, nextEvent } from "../../../../internal/testkit/src/peer-watch.js";
import { openSession, type Session, type SessionOptions } from "./session.js";

type Options = Omit<SessionOptions, "role">;

const MODES: readonly (readonly [string, Options])[] = [
  ["secure", {}],
  ["plain", { encryption: false }],
  ["compatible", { security: { wire: "golang-ipc" } }],
];
const ANNOUNCED = MODES.slice(0, 2);

/** This side's reports, and both ends of its stream. */
interface Pair {
  readonly near: Session;
  readonly far: Session;
  readonly stream: Duplex;
  readonly farStream: Duplex;
  /** All that the far side has sent since. */
  readonly sent: Buffer[];
}

async function openPair(options: Options, nearOptions: Options = {}): Promise<Pair> {
  const [stream, farStream] = memoryPair();
  const [near, far] = await Promise.all([
    openSession(stream, { role: "server", ...options, ...nearOptions }),
    openSession(farStream, { role: "client", ...options }),
  ]);
  onTestFinished(() => void [near, far].map((session) => session.destroy()));
  const sent: Buffer[] = [];
  stream.on("data", (chunk: Buffer) => sent.push(chunk));
  return { near, far, stream, farStream, sent };
}

const closeOf = (session: Session): Promise<void> => new Promise((resolve) => session.once("close", resolve));

describe("close() sends at the end", () => {
  test.each([
    ["secure", {}, /^0300001[0-9a-f]{33}$/],
    ["plain", { encryption: false }, /^000000160000000003(00){17}$/],
    ["compatible", { security: { wire: "golang-ipc" } }, /^$/],
    ["plain, in golang-ipc's protocol", { encryption: false, security: { wire: "golang-ipc" } }, /^$/],
  ] as const)("the announcement of its end, and nothing to a golang-ipc peer: %s", async (_mode, options, expected) => {
    const { far, sent } = await openPair(options);
    await far.close();
    expect(Buffer.concat(sent).toString("hex")).toMatch(expected);
  });
});

describe("a peer that closes", () => {
  test.each(MODES)("ends the session without an error, and is no loss: %s", async (_mode, options) => {
    const { near, far } = await openPair(options);
    const ends = [collect(near, "lost"), collect(near, "error")];
    const closed = closeOf(near);
    await far.close();
    await closed;
    expect(ends).toEqual([[], []]);
  });

  test.each(MODES)(
    "rejects pending writes with IPC_PEER_CLOSED, and emits 'lost' for them: %s",
    async (_mode, options) => {
      const { near, far, stream } = await openPair(options, { maxQueuedBytes: 1_024 });
      const lost = nextEvent(near, "lost");
      // The kernel takes nothing any more.
      stream._write = () => {};
      void near.write(1, Buffer.alloc(2_000));
      const waiting = [failureOf(near.write(2, "waits")), failureOf(near.flush())];
      void far.close();
      for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: "IPC_PEER_CLOSED" });
      expect(await lost).toMatchObject({
        code: "IPC_PEER_CLOSED",
        message: "connection closed by the peer: 1 messages were accepted and not sent",
      });
    },
  );

  test.each(ANNOUNCED)(
    "counts as closed when its stream fails then, with that failure as the cause: %s",
    async (_mode, options) => {
      const { near, far, stream } = await openPair(options, { maxQueuedBytes: 1_024 });
      const lost = nextEvent(near, "lost");
      let writeFails = (): void => {};
      stream._write = (_chunk, _encoding, done) => {
        writeFails = () => done(new Error("EPIPE"));
      };
      void near.write(1, "never sent");
      // Only the announcement arrives, and not the end of the stream.
      stream.push = (chunk: unknown) => chunk !== null && Object.getPrototypeOf(stream).push.call(stream, chunk);
      void far.close();
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      writeFails();
      expect(await lost).toMatchObject({ code: "IPC_PEER_CLOSED", cause: { message: "EPIPE" } });
    },
  );
});

describe("a peer that disconnects without a close", () => {
  test.each([
    ["secure", {}, "IPC_RECORD_TRUNCATED", "without CLOSE"],
    ["plain", { encryption: false }, "IPC_FRAME_TRUNCATED", "end without GOAWAY"],
  ] as const)("is lost, with the truncation as the cause: %s", async (_mode, options, code, message) => {
    const { near, far } = await openPair(options);
    const lost = nextEvent(near, "lost");
    far.destroy();
    expect(await lost).toMatchObject({
      code: "IPC_CONNECTION_LOST",
      cause: { code, message: expect.stringContaining(message) },
    });
  });

  test.each(MODES)("is lost when the stream fails, with that failure as the cause: %s", async (_mode, options) => {
    const { near, farStream } = await openPair(options);
    const lost = nextEvent(near, "lost");
    const cause = new Error("ECONNRESET");
    farStream.destroy(cause);
    expect(await lost).toMatchObject({
      code: "IPC_CONNECTION_LOST",
      message: expect.stringMatching(/^connection cut \(.+\): 0 messages were accepted and not sent$/),
      cause: expect.any(Error),
    });
  });
});

test.each(ANNOUNCED)("a side ignores how its peer ends after its own close: %s", async (_mode, options) => {
  const { near, far, farStream } = await openPair(options);
  const ends = [collect(near, "lost"), collect(near, "error")];
  farStream.on("end", () => farStream.destroy());
  await near.close();
  far.destroy();
  expect(ends).toEqual([[], []]);
});
