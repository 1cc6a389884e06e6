import type { Duplex } from "node:stream";
import { encodeMessage } from "@ipc/framing";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../../internal/testkit/src/peer-watch.js";
import { openSession, type Session, type SessionOptions } from "./session.js";

const BAD_FRAME = Uint8Array.of(0, 0, 0, 1, 0);
const REPLIES = Uint8Array.of(0, 0);

/** A session in the server's role whose peer is bare bytes; `rest` comes in one chunk with the last of the handshake. */
async function openBare(
  rest: Uint8Array = new Uint8Array(0),
  options: Partial<SessionOptions> = {},
): Promise<{ session: Session; peer: Duplex }> {
  const [near, peer] = memoryPair();
  const opening = openSession(near, { role: "server", encryption: false, ...options });
  peer.write(Buffer.concat([REPLIES, rest]));
  peer.resume();
  return { session: await opening, peer };
}

/** Writes down what a peer tells, in order. */
function watch(session: Session): string[] {
  const told: string[] = [];
  session.on("status", (status) => told.push(status));
  session.on("lost", (error) => told.push(`lost ${error.code}`));
  session.on("error", (error) => told.push(`error ${error.code}`));
  session.on("close", () => told.push("close"));
  return told;
}

function closed(session: Session): Promise<void> {
  return new Promise((resolve) => session.on("close", resolve));
}

const data = (text: string): Uint8Array => encodeMessage(1, new TextEncoder().encode(text));

describe("a listener that ends its peer", () => {
  it("gets no event of the invalid frame behind its message when it calls close", async () => {
    const { session } = await openBare(Buffer.concat([data("last"), BAD_FRAME]));
    const told = watch(session);
    const ended = closed(session);
    session.on("message", () => void session.close());
    await ended;
    expect(told).toEqual(["Closing", "Closed", "close"]);
  });
});

describe("close", () => {
  it("reports soon that the stream had ended when it is called at once after the connect", async () => {
    const [near, peer] = memoryPair();
    const opening = openSession(near, { role: "server", encryption: false });
    peer.write(REPLIES);
    const session = await opening;
    near.destroy();
    await new Promise((resolve) => process.nextTick(resolve));
    const late = failureOf(session.write(1, "too late"));
    await session.close({ timeoutMs: 2_000_000_000 }).catch((error: { code: string }) => {
      expect(error.code).toBe("IPC_CLOSE_INCOMPLETE");
    });
    expect(session.status).not.toBe("Connected");
    expect(await late).toMatchObject({ code: "IPC_CLOSED" });
  });

  it("rejects with the figures of what was dropped when destroy follows", async () => {
    const [near, far] = memoryPair();
    const [server, client] = await Promise.all([
      openSession(near, { role: "server", encryption: false }),
      openSession(far, { role: "client", encryption: false }),
    ]);
    for (let i = 0; i < 100; i++) void server.write(1, new Uint8Array(10_000));
    const closing = server.close();
    server.destroy();
    await expect(closing).rejects.toMatchObject({ code: "IPC_CLOSE_INCOMPLETE" });
    client.destroy();
  });

  it("ends also when the stream never emits 'close'", async () => {
    const [near, peer] = memoryPair();
    const emit = near.emit.bind(near);
    near.emit = (event: string | symbol, ...args: unknown[]) => event === "close" || emit(event, ...args);
    const opening = openSession(near, { role: "server", encryption: false });
    peer.write(REPLIES);
    await (await opening).close({ timeoutMs: 100 });
  });

  it("leaves the counters unchanged before, during and after it", async () => {
    const { session } = await openBare();
    for (let i = 0; i < 10; i++) void session.write(1, "counted");
    const closing = session.close();
    expect(session.stats.messagesSent).toBe(10);
    await closing;
    expect(session.stats).toMatchObject({ messagesSent: 10, queuedBytes: 0 });
    const { session: other } = await openBare();
    await other.write(1, "counted");
    other.destroy();
    expect(other.stats.messagesSent).toBe(1);
  });
});

describe("a message that arrives with the last bytes of the handshake", () => {
  it("is emitted to listeners that are added as soon as the session is open", async () => {
    const { session } = await openBare(BAD_FRAME);
    const told = watch(session);
    await closed(session);
    expect(told).toEqual(["Disconnected", "lost IPC_FRAME_TOO_SHORT", "error IPC_FRAME_TOO_SHORT", "close"]);
  });

  it.each([
    ["between two messages", data("whole"), []],
    ["within a message", data("whole").subarray(0, 9), ["lost IPC_CONNECTION_LOST", "error IPC_CONNECTION_LOST"]],
  ])("may be the peer's end, %s", async (_where, rest, failure) => {
    const [near, peer] = memoryPair();
    const opening = openSession(near, { role: "server", encryption: false });
    peer.resume();
    // In chunks of their own: the stream then tells its end before the handshake has let go of it.
    peer.write(REPLIES.subarray(0, 1));
    peer.write(Buffer.concat([REPLIES.subarray(1), rest]));
    peer.end();
    const session = await opening;
    const told = watch(session);
    await closed(session);
    expect(told).toEqual(["Disconnected", ...failure, "close"]);
    expect(session.stats.messagesReceived).toBe(failure.length === 0 ? 1 : 0);
  });
});

describe("a peer that sends invalid bytes behind the handshake", () => {
  it("ends its own session only, also when more of them follow", async () => {
    const [near, peer] = memoryPair();
    const opening = openSession(near, { role: "server", encryption: false });
    peer.on("error", () => {});
    peer.resume();
    peer.write(Buffer.concat([REPLIES, Buffer.alloc(40_000, 0xff)]));
    for (let i = 0; i < 10; i++) peer.write(Buffer.alloc(40_000, 0xff));
    const session = await opening;
    const told = watch(session);
    await closed(session);
    expect(told).toEqual(["Disconnected", "lost IPC_FRAME_TOO_LARGE", "error IPC_FRAME_TOO_LARGE", "close"]);
  });

  it("makes the receiver keep no more memory than its unread messages fill", async () => {
    const partial = Buffer.alloc(50_000);
    partial.writeUInt32BE(1_000_000);
    const { session } = await openBare(Buffer.concat([data("x"), partial]));
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await session.read()).toMatchObject({ status: "Connected" });
    const message = await session.read();
    expect(message.kind === "data" && message.data.buffer.byteLength).toBe(1);
    session.destroy();
  });
});

describe("a signal that is aborted before the start", () => {
  it("leaves no open stream", async () => {
    const [near, peer] = memoryPair();
    const sent: unknown[] = [];
    peer.on("data", (chunk) => sent.push(chunk));
    peer.on("error", () => {});
    const opening = openSession(near, { role: "server", signal: AbortSignal.abort("beforehand") });
    await expect(opening).rejects.toMatchObject({ code: "IPC_ABORTED", cause: "beforehand" });
    expect(near.destroyed).toBe(true);
    expect(sent).toEqual([]);
  });
});

describe("aborting the write of a large message", () => {
  it("rejects its promise, and reports that it may still be sent", async () => {
    const [near, peer] = memoryPair();
    const opening = openSession(near, { role: "server", encryption: false });
    peer.write(REPLIES);
    const session = await opening;
    const controller = new AbortController();
    const writing = session.write(1, new Uint8Array(1_000_000), { signal: controller.signal });
    controller.abort();
    await expect(writing).rejects.toMatchObject({
      code: "IPC_ABORTED",
      message: expect.stringContaining("may still be sent"),
    });
    session.destroy();
  });
});
