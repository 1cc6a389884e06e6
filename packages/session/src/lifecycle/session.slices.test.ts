import type { Duplex } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { encodeMessage } from "@ipc/framing";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { HandmadePeer } from "../../test/handmade-peer.js";
import { openSession, type Session } from "./session.js";

const DATA = 2;
const CLOSE = 3;
const MESSAGES = 400;

/** Sends a flood: one chunk with all of it, and the bytes behind it. */
type Flood = (messages: readonly Uint8Array[]) => Promise<{ session: Session; send: () => void; peer: Duplex }>;

async function plain(messages: readonly Uint8Array[]): ReturnType<Flood> {
  const [near, peer] = memoryPair();
  const opening = openSession(near, { role: "server", encryption: false });
  peer.write(Uint8Array.of(0, 0));
  peer.resume();
  const session = await opening;
  return { session, peer, send: () => void peer.write(Buffer.concat(messages)) };
}

/** A record for each byte. */
async function bytewise(messages: readonly Uint8Array[]): ReturnType<Flood> {
  const [near, peer] = memoryPair();
  const opening = openSession(near, { role: "server" });
  const client = await HandmadePeer.client(peer);
  client.say(1, client.auth());
  const session = await opening;
  const bytes = Buffer.concat(messages);
  const records = Array.from(bytes, (_byte, at) => client.seal(DATA, bytes.subarray(at, at + 1)));
  const all = Buffer.concat([...records, client.seal(CLOSE, new Uint8Array(0))]);
  return { session, peer, send: () => client.write(all) };
}

/** Each look at the clock finds that a second has passed: a time slice is over as soon as it looks. */
function hurryClock(): void {
  let now = 0;
  const spy = vi.spyOn(performance, "now").mockImplementation(() => {
    now += 1_000;
    return now;
  });
  onTestFinished(() => spy.mockRestore());
}

/** Counts the iterations of the event loop from now on. */
function countTurns(): () => number {
  let turns = 0;
  let immediate = setImmediate(function next() {
    turns++;
    immediate = setImmediate(next);
  });
  onTestFinished(() => clearImmediate(immediate));
  return () => turns;
}

const message = (index: number): Uint8Array => encodeMessage(1, Buffer.from(`${index}`));
const MANY = Array.from({ length: MESSAGES }, (_, index) => message(index));
const TEXTS = MANY.map((_, index) => `${index}`);

describe.each<[string, Flood, number]>([
  ["small messages in one chunk", plain, 32],
  ["messages of which each byte is a record", bytewise, 3],
])("%s", (_what, flood, mostInATurn) => {
  it("are delivered in order, a few in each macrotask", async () => {
    const { session, send } = await flood(MANY);
    hurryClock();
    const turnOf = countTurns();
    const at: number[] = [];
    const texts: string[] = [];
    const all = new Promise<void>((resolve) =>
      session.on("message", (received) => {
        texts.push(received.text());
        at.push(turnOf());
        if (texts.length === MESSAGES) resolve();
      }),
    );
    send();
    await all;
    expect(texts).toEqual(TEXTS);
    // None is in the macrotask of the one that came so many before it.
    expect(at.filter((turn, index) => turn === at[index - mostInATurn])).toEqual([]);
    session.destroy();
  });

  it.each(["end", "cut"] as const)("are all delivered before the effects of the %s behind them", async (end) => {
    const { session, send, peer } = await flood(MANY);
    hurryClock();
    const told: string[] = [];
    session.on("status", (status) => told.push(status));
    session.on("message", (received) => void told.push(received.text()));
    const closed = new Promise<void>((resolve) => session.on("close", resolve));
    send();
    if (end === "end") peer.end();
    else {
      // When the first have been delivered.
      while (!told.includes("0")) await nextTurn();
      peer.destroy(new Error("cut"));
    }
    await closed;
    expect(told.slice(-MESSAGES - 1)).toEqual([...TEXTS, "Disconnected"]);
  });

  it("are no longer delivered after a listener has called close or destroy in the middle of them", async () => {
    for (const leave of ["close", "destroy"] as const) {
      const { session, send } = await flood(MANY);
      hurryClock();
      const texts: string[] = [];
      const closed = new Promise<void>((resolve) => session.on("close", resolve));
      session.on("message", (received) => {
        texts.push(received.text());
        if (texts.length === 100) void session[leave]();
      });
      send();
      await closed;
      expect(texts).toEqual(TEXTS.slice(0, 100));
    }
  });

  it("are held back by a pause, also between two macrotasks, and continue where they stopped", async () => {
    const { session, send } = await flood(MANY);
    hurryClock();
    const texts: string[] = [];
    const all = new Promise<void>((resolve) =>
      session.on("message", (received) => {
        texts.push(received.text());
        if (texts.length % 50 === 7) {
          session.pause();
          setImmediate(() => session.resume());
        }
        if (texts.length === MESSAGES) resolve();
      }),
    );
    send();
    await all;
    expect(texts).toEqual(TEXTS);
    session.destroy();
  });

  it("wait within the budget of a reader that stands still, and are all delivered when it reads", async () => {
    const { session, send } = await flood(MANY);
    hurryClock();
    const texts: string[] = [];
    send();
    while (session.stats.messagesReceived < MESSAGES) await nextTurn();
    for await (const received of session) {
      texts.push(received.text());
      if (texts.length === MESSAGES) break;
    }
    expect(texts).toEqual(TEXTS);
    session.destroy();
  });
});

it("a session reports an invalid frame behind a flood after the messages of the flood", async () => {
  const { session, send } = await plain([...MANY, Uint8Array.of(0, 0, 0, 1, 0)]);
  hurryClock();
  const told: string[] = [];
  session.on("message", (received) => void told.push(received.text()));
  session.on("lost", (error) => told.push(error.code));
  const closed = new Promise<void>((resolve) => session.on("close", resolve));
  send();
  await closed;
  expect(told).toEqual([...TEXTS, "IPC_FRAME_TOO_SHORT"]);
});
