import { Duplex } from "node:stream";
import { memoryPair } from "@ipc/transport";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { beBusy } from "../../../internal/testkit/src/stopped-clock.js";
import { closeGracefully, destroyStream } from "./stream-close.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Half-open, as a Go peer leaves a socket: it ends only when the test says so. */
function stream(): Duplex {
  return new Duplex({ autoDestroy: false, read() {}, write: (_chunk, _encoding, done) => done() });
}

describe("endStream", () => {
  test("ends our side, then waits for the peer's end", async () => {
    const duplex = stream();
    const ended = vi.fn();
    const end = closeGracefully(duplex).then(ended);
    await turn();
    expect([duplex.writableFinished, duplex.destroyed, ended.mock.calls.length]).toEqual([true, false, 0]);
    duplex.push(null);
    await end;
    expect([duplex.closed, vi.getTimerCount()]).toEqual([true, 0]);
  });

  test("discards the bytes that the peer still sends, so that no unread input resets the connection (golang-ipc: row 37)", async () => {
    const duplex = stream();
    duplex.push(new Uint8Array(100_000));
    const end = closeGracefully(duplex);
    duplex.push(new Uint8Array(100_000));
    await turn();
    expect(duplex.readableLength).toBe(0);
    duplex.push(null);
    await end;
    expect(duplex.closed).toBe(true);
  });

  test("waits 250 ms for a peer that does not end", async () => {
    const duplex = stream();
    const end = closeGracefully(duplex);
    vi.advanceTimersByTime(249);
    await turn();
    expect(duplex.destroyed).toBe(false);
    vi.advanceTimersByTime(1);
    await end;
    expect([duplex.closed, vi.getTimerCount()]).toEqual([true, 0]);
  });

  test("waits 250 ms after the last byte of a peer that still sends, because its next write would fail", async () => {
    const duplex = stream();
    const end = closeGracefully(duplex, undefined, 1_000);
    for (let time = 0; time < 800; time += 200) {
      vi.advanceTimersByTime(200);
      duplex.push(new Uint8Array(1));
      await turn();
    }
    expect(duplex.destroyed).toBe(false);
    vi.advanceTimersByTime(250);
    await end;
    expect([duplex.closed, vi.getTimerCount()]).toEqual([true, 0]);
  });

  test("waits no longer than the limit for a peer that sends without end", async () => {
    const duplex = stream();
    const end = closeGracefully(duplex, undefined, 1_000);
    for (let time = 0; time < 1_250; time += 50) {
      duplex.push(new Uint8Array(1));
      await turn();
      vi.advanceTimersByTime(50);
    }
    await end;
    expect([duplex.closed, vi.getTimerCount()]).toEqual([true, 0]);
  });

  test("waits on when the process was busy: the peer's end may have arrived meanwhile", async () => {
    const duplex = stream();
    const end = closeGracefully(duplex);
    beBusy(400);
    vi.advanceTimersByTime(250);
    await turn();
    expect(duplex.destroyed).toBe(false);
    duplex.push(null);
    await end;
    expect([duplex.closed, vi.getTimerCount()]).toEqual([true, 0]);
  });

  test("delivers the last write to the peer", async () => {
    const [near, far] = memoryPair();
    const received: Buffer[] = [];
    far.on("data", (chunk: Buffer) => received.push(chunk));
    near.write(Uint8Array.of(2));
    await closeGracefully(near);
    expect(Buffer.concat(received)).toEqual(Buffer.of(2));
  });

  test("resolves when the stream fails meanwhile", async () => {
    const duplex = stream();
    const end = closeGracefully(duplex);
    duplex.destroy(new Error("cut"));
    await expect(end).resolves.toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("destroys a stream at once when its peer has ended", async () => {
    const duplex = stream();
    duplex.push(null);
    await new Promise((resolve) => duplex.once("end", resolve).resume());
    await closeGracefully(duplex);
    expect([duplex.closed, vi.getTimerCount()]).toEqual([true, 0]);
  });

  test("resolves and leaves no timer when the stream is destroyed", async () => {
    await closeGracefully(stream().destroy());
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a dropped stream is destroyed, and its error is ignored", async () => {
  const duplex = new Duplex({
    read() {},
    destroy: (_error, done) => done(new Error("not even this works")),
  });
  destroyStream(duplex);
  await turn();
  expect([duplex.destroyed, duplex.errored?.message]).toEqual([true, "not even this works"]);
});
