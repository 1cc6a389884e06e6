import { Duplex } from "node:stream";
import { encodeMessage } from "@ipc/framing";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { ReadTurn } from "./read-turn.js";
import { openSession, type Session, type SessionOptions } from "./session.js";

const FULL = 65_536;

describe("the turn of a reader", () => {
  function clocked(): { turn: ReadTurn; work: (bytes: number, ms: number) => boolean } {
    let now = 1_000;
    const turn = new ReadTurn(() => now);
    const work = (bytes: number, ms: number): boolean => {
      turn.begin(bytes);
      now += ms;
      return turn.isOver();
    };
    return { turn, work };
  }

  it("is over when a row of full chunks has taken 4 ms, and begins anew", () => {
    const { work } = clocked();
    expect([1, 1, 1, 1, 1, 3].map((ms) => work(FULL, ms))).toEqual([false, false, false, true, false, true]);
  });

  it("goes on while chunks are smaller: the loop has its turn after each", () => {
    const { work } = clocked();
    expect([work(FULL, 3), work(FULL - 1, 100), work(1, 100), work(FULL, 3), work(FULL, 1)]).toEqual([
      ...[false, false, false, false],
      true,
    ]);
  });
});

describe("a session that is flooded", () => {
  /** Hands over what it is given in one go, as a socket does that reads on. */
  class Flood extends Duplex {
    override _read(): void {}
    override _write(_chunk: unknown, _encoding: string, done: () => void): void {
      done();
    }
  }

  async function openFlooded(options: Partial<SessionOptions> = {}): Promise<{ session: Session; stream: Flood }> {
    const stream = new Flood();
    const opening = openSession(stream, { role: "server", encryption: false, ...options });
    stream.push(Uint8Array.of(0x00, 0x00));
    const session = await opening;
    onTestFinished(() => session.destroy());
    return { session, stream };
  }

  it("lets timers and reads come between chunks that take long, and delivers everything in order", async () => {
    const { session, stream } = await openFlooded();
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => now);
    onTestFinished(() => void vi.restoreAllMocks());
    const types: number[] = [];
    const turns: number[] = [];
    let turn = 0;
    let isOver = false;
    session.on("message", (message) => {
      types.push(message.type);
      turns.push(turn);
      now += 5;
      isOver = types.length === 6;
    });
    await new Promise((resolve) => setImmediate(resolve));
    for (let type = 1; type <= 6; type++) stream.push(encodeMessage(type, new Uint8Array(FULL - 8)));
    for (; !isOver; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(types).toEqual([1, 2, 3, 4, 5, 6]);
    // The first two may come before the counting begins.
    expect(new Set(turns).size).toBeGreaterThanOrEqual(5);
  });

  it("stays paused when its unread messages have used up their budget meanwhile", async () => {
    const { session, stream } = await openFlooded({ maxUnreadBytes: 100_000 });
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => (now += 5));
    onTestFinished(() => void vi.restoreAllMocks());
    for (let count = 0; count < 20; count++) await new Promise((resolve) => setImmediate(resolve));
    for (let type = 1; type <= 6; type++) stream.push(encodeMessage(type, new Uint8Array(FULL - 8)));
    for (let count = 0; count < 20; count++) await new Promise((resolve) => setImmediate(resolve));
    expect(session.stats.messagesReceived).toBe(2);
    for (let type = 1; type <= 6; ) {
      const received = await session.read();
      if (received.kind === "data") expect(received.type).toBe(type++);
    }
  });
});
