import { encodeMessage } from "@ipc/framing";
import { array, assert, constantFrom, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { SharedBudget } from "../shared-budget.js";
import { type KeptMessage, ResendBuffer } from "./resend-buffer.js";

const message = (type: number, length = 3): KeptMessage => ({ type, data: new Uint8Array(length).fill(type) });
const NOTHING = new Uint8Array(0);
const framesOf = (...messages: readonly KeptMessage[]): Uint8Array =>
  Buffer.concat(messages.map(({ type, data }) => encodeMessage(type, data)));
const typesOf = (messages: Iterable<KeptMessage>): number[] => [...messages].map(({ type }) => type);

describe("a resend buffer", () => {
  it("numbers messages from 1, and hands those that are left to a new connection", () => {
    const buffer = new ResendBuffer(1_000);
    buffer.keepHanded(framesOf(message(11), message(12)), 2);
    buffer.keepMessage(13, message(13).data, false);
    expect(buffer).toMatchObject({ last: 3, handed: 2, written: 2, acknowledged: 0, messages: 3, bytes: 33 });
    buffer.release(1);
    buffer.rewind();
    expect(buffer).toMatchObject({ last: 3, handed: 1, written: 2, messages: 2, bytes: 22 });
    expect([...buffer.unhanded()]).toEqual([
      { type: 12, data: Uint8Array.of(12, 12, 12) },
      { type: 13, data: Uint8Array.of(13, 13, 13) },
    ]);
    expect(buffer).toMatchObject({ handed: 3, written: 3 });
  });

  it("neither counts nor returns control frames that lie between the messages", () => {
    const buffer = new ResendBuffer(1_000);
    buffer.keepHanded(framesOf(message(0), message(1), message(0, 9), message(2), message(0)), 2);
    buffer.keepHanded(framesOf(message(0)), 0);
    buffer.release(1);
    expect(typesOf(buffer.unhanded())).toEqual([]);
    buffer.rewind();
    expect(typesOf(buffer.unhanded())).toEqual([2]);
    buffer.release(2);
    expect(buffer).toMatchObject({ messages: 0, bytes: 0 });
  });

  it("has room up to its limit, and always for one message", () => {
    const buffer = new ResendBuffer(100);
    expect(buffer.hasRoom(0)).toBe(true);
    buffer.keepMessage(1, new Uint8Array(500), true);
    expect(buffer.hasRoom(0)).toBe(false);
    buffer.release(1);
    expect(buffer.hasRoom(0)).toBe(true);
    buffer.keepHanded(framesOf(message(1, 42), message(2, 42)), 2);
    expect(buffer.hasRoom(0)).toBe(false);
    buffer.release(2);
    expect([buffer.hasRoom(0), buffer.hasRoom(50)]).toEqual([true, false]);
  });

  it("shares a budget with others, and returns its bytes at the end", () => {
    const budget = new SharedBudget(100);
    const buffers = [new ResendBuffer(1_000, budget), new ResendBuffer(1_000, budget)] as const;
    for (const buffer of buffers) buffer.keepMessage(1, new Uint8Array(42), true);
    expect([budget.used, buffers[0].hasRoom(0)]).toEqual([100, false]);
    buffers[1].clear();
    expect([budget.used, buffers[0].hasRoom(0)]).toEqual([50, false]);
    buffers[0].release(1);
    expect([budget.used, buffers[0].hasRoom(0)]).toEqual([0, true]);
  });

  it.each([
    ["little memory", 1],
    ["slabs", 40_000],
  ])("hands over messages that later ones do not change: %s", (_what, length) => {
    const budget = new SharedBudget(1_000_000);
    const buffer = new ResendBuffer(1_000_000, budget);
    for (const type of [1, 2, 3]) buffer.keepMessage(type, message(type, length).data, true);
    const lost = buffer.handOver(1);
    expect([lost.length, buffer.messages, buffer.bytes, buffer.last, budget.used]).toEqual([2, 0, 0, 3, 0]);
    for (const keeper of [buffer, new ResendBuffer(1_000_000)])
      for (const type of [4, 5, 6]) keeper.keepMessage(type, message(type, length).data, true);
    expect(lost.read()).toEqual([message(2, length), message(3, length)]);
  });

  it("hands over as many messages as it has, whatever count it is given", () => {
    for (const [received, types] of [
      [0, [3, 4]],
      [9, []],
    ] as const) {
      const buffer = new ResendBuffer(1_000);
      for (const type of [1, 2, 3, 4]) buffer.keepMessage(type, message(type).data, true);
      buffer.release(2);
      const lost = buffer.handOver(received);
      expect([lost.length, typesOf(lost.read())]).toEqual([types.length, types]);
    }
  });

  it("keeps no slab alive for the sake of a few messages that were lost", () => {
    const buffer = new ResendBuffer(1_000_000);
    for (let type = 1; type <= 3; type++) buffer.keepMessage(type, message(type, 4_000).data, true);
    const memory = buffer
      .handOver(0)
      .read()
      .map(({ data }) => data.buffer.byteLength);
    expect(Math.max(...memory)).toBeLessThan(3 * 5_000);
  });

  it("sends on where it was when messages are released in the middle of a replay", () => {
    const buffer = new ResendBuffer(1_000_000);
    for (let type = 1; type <= 9; type++) buffer.keepMessage(type, new Uint8Array(60_000).fill(type), false);
    const seen: KeptMessage[] = [];
    for (const kept of buffer.unhanded()) {
      seen.push({ type: kept.type, data: kept.data.slice(0, 1) });
      if (kept.type % 3 === 0) buffer.release(kept.type);
      // Others reuse the memory.
      if (kept.type % 3 === 0) new ResendBuffer(100_000).keepMessage(99, new Uint8Array(60_000).fill(99), true);
    }
    expect(seen.map(({ type, data }) => [type, data[0]])).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9].map((each) => [each, each]),
    );
  });

  it("writes nothing into the memory that it has handed over, of which only the lost messages can be read", () => {
    const budget = new SharedBudget(1_000_000);
    const buffer = new ResendBuffer(1_000_000, budget);
    const other = new ResendBuffer(1_000_000);
    for (let count = 0; count < 1_200; count++) other.keepMessage(9, new Uint8Array(100).fill(9), true);
    other.clear();
    buffer.keepMessage(1, new Uint8Array(30_000).fill(1), true);
    buffer.keepMessage(2, new Uint8Array(30_000).fill(2), true);
    const lost = buffer.handOver(1);
    buffer.keepMessage(3, message(3).data, false);
    expect(typesOf(buffer.unhanded())).toEqual([3]);
    expect([buffer.bytes, budget.used]).toEqual([11, 11]);
    const [left, ...none] = lost.read();
    expect([left?.type, none]).toEqual([2, []]);
    const memory = new Uint8Array(left?.data.buffer ?? new ArrayBuffer(0));
    expect([...new Set(memory)].filter((byte) => byte === 9 || byte === 1 || byte === 3)).toEqual([]);
  });

  describe.each([
    ["released", (buffer: ResendBuffer, last: number): void => buffer.release(last)],
    ["dropped with the session", (buffer: ResendBuffer): void => buffer.clear()],
    ["handed over", (buffer: ResendBuffer, last: number): unknown => buffer.handOver(last)],
  ])("whose messages are %s in the middle of a replay", (_how, drop) => {
    it("reads nothing of their memory, although control frames lie behind the last message", () => {
      const buffer = new ResendBuffer(1_000_000);
      buffer.keepHanded(framesOf(message(1, 60_000), message(0)), 1);
      buffer.rewind();
      const replay = buffer.unhanded();
      replay.next();
      drop(buffer, 1);
      const other = new ResendBuffer(1_000_000);
      for (let count = 0; count < 3_000; count++) other.keepMessage(99, new Uint8Array(52).fill(99), true);
      expect(replay.next()).toEqual({ done: true, value: undefined });
      expect(buffer).toMatchObject({ last: 1, handed: 1, written: 1 });
    });
  });

  it("keeps exactly the messages that were added and not released, as an array does", () => {
    const step = record({
      does: constantFrom("batch", "message", "large", "release", "rewind", "replay"),
      count: integer({ min: 0, max: 40 }),
      length: integer({ min: 0, max: 3_000 }),
    });
    assert(
      property(array(step, { maxLength: 40 }), (steps) => {
        const buffer = new ResendBuffer(1_000_000);
        const model: KeptMessage[] = [];
        let [type, released, handed] = [0, 0, 0];
        const add = (length: number): KeptMessage => {
          const added = message(1 + (type++ % 200), length);
          model.push(added);
          return added;
        };
        for (const { does, count, length } of steps) {
          const isCurrent = handed === released + model.length;
          if (does === "batch" && isCurrent) {
            const added = Array.from({ length: count }, () => add(length % 400));
            buffer.keepHanded(framesOf(...added, message(0)), count);
            handed += count;
          } else if (does === "message" || does === "large") {
            const { type: number, data } = add(does === "large" ? 70_000 : length);
            buffer.keepMessage(number, data, isCurrent);
            if (isCurrent) handed++;
          } else if (does === "release") {
            const most = Math.min(count, handed - released);
            released += most;
            model.splice(0, most);
            buffer.release(released);
          } else if (does === "rewind") {
            buffer.rewind();
            handed = released;
          } else {
            expect(typesOf(buffer.unhanded())).toEqual(typesOf(model.slice(handed - released)));
            handed = released + model.length;
          }
          const bytes = model.reduce((sum, { data }) => sum + 8 + data.length, 0);
          expect([buffer.messages, buffer.acknowledged, buffer.handed]).toEqual([model.length, released, handed]);
          expect(buffer.bytes).toBeGreaterThanOrEqual(bytes);
        }
        const lost = buffer.handOver(released);
        const kept = lost.read();
        expect(typesOf(kept)).toEqual(typesOf(model));
        expect(lost.length).toBe(model.length);
        expect(kept.every(({ data }, index) => Buffer.compare(data, model[index]?.data ?? NOTHING) === 0)).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
