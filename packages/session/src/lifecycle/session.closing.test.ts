import type { Duplex } from "node:stream";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { eventually } from "../../../../internal/testkit/src/eventually.js";
import { failureOf } from "../../../../internal/testkit/src/peer-watch.js";
import { beBusy, stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { openSession, type Session, type SessionOptions } from "./session.js";

const PLAIN_HELLO = Uint8Array.of(2, 0);
const OK = Uint8Array.of(0);
const LIMITS = Uint8Array.of(0, 0, 0, 4, 0, 16, 0, 0);

/** A session in that role, and its peer as bare bytes that read nothing; time stands still from now on. */
async function openBare(role: "server" | "client"): Promise<{ session: Session; near: Duplex; peer: Duplex }> {
  const [near, peer] = memoryPair();
  const opening = openSession(near, { role, encryption: false });
  if (role === "server") peer.write(Uint8Array.of(0, 0));
  else peer.write(Buffer.concat([PLAIN_HELLO, LIMITS]));
  const session = await opening;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  onTestFinished(() => void vi.useRealTimers());
  return { session, near, peer };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("a session that closes, and whose peer does not end its side", () => {
  it("waits, as a server, for its remaining time, so that a slow client still gets everything", async () => {
    const { session, near, peer } = await openBare("server");
    await session.write(1, "accepted");
    const closing = session.close({ timeoutMs: 5_000 });
    await turns();
    vi.advanceTimersByTime(4_999);
    await turns();
    expect(near.destroyed).toBe(false);
    const received: Buffer[] = [];
    peer.on("data", (chunk: Buffer) => received.push(chunk));
    // A write of a client that has not seen the end yet must not fail: it would lose what it has not read.
    peer.write(OK);
    await closing;
    expect(Buffer.concat(received).includes("accepted")).toBe(true);
    expect([near.closed, vi.getTimerCount()]).toEqual([true, 0]);
  });

  it("waits, as a server, no longer than its remaining time, and no failure follows", async () => {
    const { session, near } = await openBare("server");
    const closing = session.close({ timeoutMs: 5_000 });
    await turns();
    vi.advanceTimersByTime(5_000);
    await closing;
    expect([near.destroyed, vi.getTimerCount()]).toEqual([true, 0]);
  });

  it.each(["server", "client"] as const)("waits 250 ms, as a %s, when it has less time left", async (role) => {
    const { session, near } = await openBare(role);
    const closing = session.close({ timeoutMs: role === "server" ? 1 : 5_000 });
    await turns();
    vi.advanceTimersByTime(249);
    await turns();
    expect(near.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    await closing;
    expect([near.destroyed, vi.getTimerCount()]).toEqual([true, 0]);
  });
});

describe("a session that closes while its process is busy", () => {
  it("sends what was accepted although its time was over before the kernel was offered a byte", async () => {
    const { session, near, peer } = await openBare("client");
    const received: Buffer[] = [];
    peer.on("data", (chunk: Buffer) => received.push(chunk));
    await turns();
    const write = near._write.bind(near);
    let release: (() => void) | undefined;
    near._write = (chunk: Buffer, encoding, done) => {
      release = () => write(chunk, encoding, done);
    };
    await session.write(1, "accepted");
    const closed = session.close({ timeoutMs: 300 });
    await turns();
    beBusy(900);
    vi.advanceTimersByTime(300);
    await turns();
    expect(near.destroyed).toBe(false);
    near._write = write;
    release?.();
    peer.end();
    await closed;
    expect(Buffer.concat(received).includes("accepted")).toBe(true);
    expect([near.closed, vi.getTimerCount()]).toEqual([true, 0]);
  });
});

/** Two joined streams. What the first one writes after `hold` arrives as one chunk, together with its end. */
function lumpingPair(): { near: Duplex; far: Duplex; hold: () => void } {
  const [near, left] = memoryPair();
  const [right, far] = memoryPair();
  const held: Buffer[] = [];
  let holds = false;
  left.on("data", (chunk: Buffer) => void (holds ? held.push(chunk) : right.write(chunk)));
  left.once("end", () => right.end(Buffer.concat(held)));
  right.on("data", (chunk: Buffer) => left.write(chunk));
  const hold = (): void => {
    holds = true;
  };
  return { near, far, hold };
}

describe.each<[string, Omit<SessionOptions, "role">]>([
  ["plain", { encryption: false }],
  ["compatible", { security: { wire: "golang-ipc" } }],
  ["secure", {}],
])("the end of a %s session behind more bytes than its reader accepts at once", (_mode, options) => {
  async function read(messages: number): Promise<{ count: number; error: string | undefined }> {
    const { near, far, hold } = lumpingPair();
    const [client, server] = await Promise.all([
      openSession(near, { role: "client", ...options }),
      openSession(far, { role: "server", maxUnreadBytes: 1_024, ...options }),
    ]);
    let error: string | undefined;
    server.on("error", ({ code }) => {
      error = code;
    });
    let sent = 0;
    for (; sent < 7; sent++) await client.write(1, "x");
    await eventually(() => expect(server.stats.unreadBytes).toBeGreaterThanOrEqual(1_024));
    hold();
    for (; sent < messages; sent++) await client.write(1, "x");
    const closed = client.close();
    await turns();
    let count = 0;
    try {
      for await (const _message of server) {
        // All that is taken at the end is taken while this loop is busy with the first message that came with it.
        if (count++ === 7) await eventually(() => expect(server.status).toBe("Disconnected"));
      }
    } catch {
      // `error` says it.
    }
    await closed;
    return { count, error };
  }

  it("is orderly when exactly everything was accepted, and a loss otherwise", async () => {
    const outcomes = new Set<boolean>();
    for (let messages = 1_634; messages < 1_646; messages++) {
      const { count, error } = await read(messages);
      outcomes.add(count === messages);
      expect([messages, error]).toEqual([messages, count === messages ? undefined : "IPC_PEER_CLOSED"]);
    }
    expect(outcomes).toEqual(new Set([true, false]));
  });
});

describe("a close whose connection fails", () => {
  it("tells how many messages were not sent, and their bytes on the wire, although the stream has dropped them", async () => {
    const { session, near } = await openBare("server");
    let fail: ((error: Error) => void) | undefined;
    near._write = (_chunk, _encoding, done) => {
      fail = done;
    };
    for (let i = 0; i < 3; i++) {
      await session.write(1, "12345");
      await turns();
    }
    const closing = failureOf(session.close());
    await turns();
    fail?.(new Error("EPIPE"));
    expect((await closing).message).toContain("3 messages (39 bytes) were accepted and not sent");
  });
});

describe("the CLOSE of a secure session", () => {
  /** `kind ‖ length ‖ tag`; nothing else is so short. */
  const CLOSE_NOTIFY_BYTES = 20;

  it("is sent when the stream has room again, so that the peer does not see a truncation", async () => {
    const [near, far] = memoryPair();
    const [client, server] = await Promise.all([
      openSession(near, { role: "client" }),
      openSession(far, { role: "server" }),
    ]);
    const write = near._write.bind(near);
    let release: (() => void) | undefined;
    near._write = (chunk: Buffer, encoding, done) => {
      if (chunk.length !== CLOSE_NOTIFY_BYTES) write(chunk, encoding, done);
      else release = () => write(chunk, encoding, done);
    };
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const ends: string[] = [];
    server.on("lost", ({ code }) => ends.push(code));
    server.on("close", () => ends.push("close"));
    await client.write(1, "accepted");
    const closed = client.close({ timeoutMs: 5_000 });
    await turns();
    vi.advanceTimersByTime(4_999);
    await turns();
    expect([near.destroyed, ends]).toEqual([false, []]);
    release?.();
    await closed;
    await turns();
    expect(await server.read()).toMatchObject({ status: "Connected" });
    expect(await server.read()).toMatchObject({ type: 1 });
    await expect(server.read()).resolves.toMatchObject({ status: "Disconnected" });
    expect(ends).toEqual(["close"]);
  });

  it("is given up when the stream is destroyed", async () => {
    const [near, far] = memoryPair();
    const [client] = await Promise.all([openSession(near, { role: "client" }), openSession(far, { role: "server" })]);
    onTestFinished(() => void [near, far].map((stream) => stream.destroy()));
    // Nothing is taken any more, and nothing is said of it when it is over.
    near._write = () => {};
    near._destroy = (_error, done) => done(null);
    const closed = client.close({ timeoutMs: 60_000 });
    await turns();
    near.destroy();
    await closed;
  });

  it("is given up when the time limit of close is over", async () => {
    const [near, far] = memoryPair();
    const [client] = await Promise.all([openSession(near, { role: "client" }), openSession(far, { role: "server" })]);
    onTestFinished(() => void [near, far].map((stream) => stream.destroy()));
    // From now on nothing is taken any more.
    near._write = () => {};
    const pass = stopClock();
    const closing = failureOf(client.close({ timeoutMs: 1 }));
    await turns();
    pass(1);
    expect(await closing).toMatchObject({
      code: "IPC_CLOSE_INCOMPLETE",
      message: expect.stringContaining("every message was sent, the end of the session was not"),
    });
  });
});
