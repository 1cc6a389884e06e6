import type { Duplex } from "node:stream";
import { setImmediate as nextMacrotask } from "node:timers/promises";
import { memoryPair } from "@ipc/transport";
import { expect, it, onTestFinished } from "vitest";
import { collect, failureOf } from "../../../../internal/testkit/src/peer-watch.js";
import { plainFrame, RawPeer } from "../../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../../internal/testkit/src/stopped-clock.js";
import { openSession, type Session } from "./session.js";

const FOREVER_MS = 1_000_000;
/** GOAWAY, draining: without a peer that reads it, as it is on the wire. */
const GOAWAY = Buffer.from(`0000001600000000${"0301"}${"00".repeat(16)}`, "hex");

/** A server's session with a golang-ipc peer that a test plays at `far`. */
async function openToRawPeer(): Promise<{ readonly session: Session; readonly far: Duplex }> {
  const [near, far] = memoryPair();
  const opening = openSession(near, { role: "server", encryption: false, maxQueuedBytes: 20_000_000 });
  await new RawPeer(far).join();
  const session = await opening;
  onTestFinished(() => session.destroy());
  return { session, far };
}

it("a drain rejects with IPC_CLOSE_INCOMPLETE when the peer does not read for `timeoutMs`", async () => {
  const { session, far } = await openToRawPeer();
  far.pause();
  void Promise.allSettled(Array.from({ length: 3 }, () => session.write(1, new Uint8Array(3_000_000))));
  const pass = stopClock();
  let isOver = false;
  const drained = failureOf(session.drain({ timeoutMs: 300 })).finally(() => (isOver = true));
  pass(299);
  await nextMacrotask();
  expect(session.status).toBe("Connected");
  pass(1);
  await nextMacrotask();
  // The close at the end of a drain gets 250 ms at least.
  expect([session.status, isOver]).toEqual(["Closing", false]);
  pass(250);
  expect(await drained).toMatchObject({ code: "IPC_CLOSE_INCOMPLETE" });
  expect(session.status).toBe("Closed");
});

it.each([
  ["rejects with IPC_CLOSE_INCOMPLETE", 3, "IPC_CLOSE_INCOMPLETE"],
  ["resolves", 0, undefined],
])(
  "a drain %s when the connection is cut with %i accepted messages that were not sent",
  async (_result, messages, code) => {
    const { session, far } = await openToRawPeer();
    far.pause();
    void Promise.allSettled(Array.from({ length: messages }, () => session.write(1, new Uint8Array(3_000_000))));
    const drained = session.drain({ timeoutMs: FOREVER_MS });
    far.destroy();
    const failure = await drained.catch((error: unknown) => error);
    expect((failure as { readonly code: string } | undefined)?.code).toBe(code);
  },
);

it("a drain sends a golang-ipc peer no GOAWAY, and delivers what it sends", async () => {
  const { session, far } = await openToRawPeer();
  const messages = collect(session, "message");
  const received: Buffer[] = [];
  far.on("data", (chunk: Buffer) => received.push(chunk));
  const drained = session.drain({ timeoutMs: FOREVER_MS });
  far.write(plainFrame(1, "a"));
  await drained;
  expect(messages.map((message) => message.text())).toEqual(["a"]);
  expect(Buffer.concat(received).includes(GOAWAY)).toBe(false);
});
