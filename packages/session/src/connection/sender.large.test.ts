import { describe, expect, it } from "vitest";
import { HeldStream, nextTurn } from "../../test/held-sender.js";
import { recordPair, recordsIn } from "../../test/record-pair.js";
import { unawaitedWrites } from "../../test/silent-slips.js";
import type { MessageDecoder } from "../codec/codec.js";
import { type IpcError, SessionError } from "../errors.js";
import { Sender } from "./sender.js";
import { WriteQueue } from "./write-queue.js";

const MIB = 1_048_576;

interface Secure {
  readonly sender: Sender;
  readonly stream: HeldStream;
  readonly failures: IpcError[];
  /** The far end, which is given everything that was written. */
  readonly receive: () => MessageDecoder;
}

/** A secure session whose kernel has taken nothing yet. */
function secureSender(): Secure {
  const [encoder, far] = recordPair();
  const stream = new HeldStream();
  stream.holds = true;
  const failures: IpcError[] = [];
  const waiting = new WriteQueue(8 * MIB, unawaitedWrites);
  const exhausted = (error: IpcError): void => void failures.push(error);
  const sender = new Sender({ stream, encoder, maxQueuedBytes: 8 * MIB, busyPollUs: 0, waiting, exhausted });
  const receive = (): MessageDecoder => {
    const decoder = far.createDecoder(10 * MIB);
    decoder.push(new Uint8Array(Buffer.concat(stream.writes)));
    return decoder;
  };
  return { sender, stream, failures, receive };
}

const lost = { code: "IPC_CONNECTION_LOST" };
const aborted = { code: "IPC_ABORTED" };

describe("a large message that is aborted while it is sent", () => {
  it("is sent as it was at the abort, and the next message after it", async () => {
    const { sender, stream, receive } = secureSender();
    const abort = new AbortController();
    const data = new Uint8Array(MIB).fill(7);
    const written = sender.write(1, data, abort.signal);
    const behind = sender.write(2, new Uint8Array(5), undefined);
    abort.abort();
    data.fill(9);
    await expect(written).rejects.toMatchObject(aborted);
    await stream.releaseAll();
    await behind;
    await sender.flush(undefined);
    const decoder = receive();
    const message = decoder.nextMessage();
    expect([message?.type, message?.data.length, message?.data.every((byte) => byte === 7)]).toEqual([1, MIB, true]);
    expect(decoder.nextMessage()).toEqual({ type: 2, data: new Uint8Array(5) });
  });

  it("does not seal the rest of the message behind it, whose write still waits", async () => {
    const { sender, stream } = secureSender();
    const abort = new AbortController();
    const first = sender.write(1, new Uint8Array(100_000), abort.signal);
    void sender.write(2, new Uint8Array(MIB), undefined);
    abort.abort();
    await expect(first).rejects.toMatchObject(aborted);
    expect(stream.writableLength).toBeLessThan(100_000 + MIB / 2);
  });

  it("ends the connection when the rest cannot be sealed", async () => {
    const { sender, failures } = secureSender();
    const abort = new AbortController();
    const data = new Uint8Array(MIB);
    const written = sender.write(1, data, abort.signal);
    structuredClone(data, { transfer: [data.buffer] });
    abort.abort();
    await expect(written).rejects.toMatchObject(aborted);
    expect(failures).toMatchObject([lost]);
  });
});

describe("the announcement of the end", () => {
  it("follows the rest of a large message after a flush", async () => {
    const { sender, stream, receive } = secureSender();
    void sender.write(1, new Uint8Array(MIB), undefined);
    const closed = sender.flush(undefined).then(() => sender.closeNotify());
    await stream.releaseAll();
    await closed;
    const decoder = receive();
    expect(decoder.nextMessage()?.data).toHaveLength(MIB);
    expect(decoder.nextMessage()).toBeUndefined();
    decoder.end();
  });

  it.each([
    ["follows a rest of 256 KiB, which is sealed at once", 524_000, ["2:262144", "2:261864", "3:0"]],
    ["is left out where a longer rest would be cut off, between whole records", MIB, ["2:262144"]],
  ])("%s", async (_what, length, records) => {
    const { sender, stream, receive } = secureSender();
    const written = sender.write(1, new Uint8Array(length), undefined);
    void sender.closeNotify();
    sender.fail(new SessionError("IPC_SECURITY_REFUSED", "the key was withdrawn"));
    await expect(written).rejects.toMatchObject({ code: "IPC_SECURITY_REFUSED" });
    await stream.releaseAll();
    expect(recordsIn(Buffer.concat(stream.writes))).toEqual(records);
    const decoder = receive();
    if (length < MIB) expect(decoder.nextMessage()?.data).toHaveLength(length);
    expect(decoder.nextMessage()).toBeUndefined();
    if (length === MIB) expect(() => decoder.end()).toThrow(expect.objectContaining({ code: "IPC_RECORD_TRUNCATED" }));
  });

  it("is left out when the rest of a large message cannot be sealed", async () => {
    const { sender, stream, failures } = secureSender();
    const data = new Uint8Array(500_000);
    const written = sender.write(1, data, undefined);
    structuredClone(data, { transfer: [data.buffer] });
    await sender.closeNotify();
    await expect(written).rejects.toMatchObject(lost);
    await stream.releaseAll();
    expect(failures).toMatchObject([lost]);
    expect(recordsIn(Buffer.concat(stream.writes))).toEqual(["2:262144"]);
  });
});

it("a flush waits for a control frame that waits for a large message", async () => {
  const { sender, stream } = secureSender();
  void sender.write(1, new Uint8Array(300_000), undefined);
  sender.sendControl(new Uint8Array(5));
  let isFlushed = false;
  void sender.flushed()?.then(() => {
    isFlushed = true;
  });
  const seen: [string[], boolean][] = [];
  for (let step = 0; step < 3; step++) {
    seen.push([recordsIn(Buffer.concat(stream.writes)), isFlushed]);
    await stream.release();
    await nextTurn();
  }
  expect(isFlushed).toBe(true);
  expect(seen.at(-1)).toEqual([["2:262144", "2:37864", "2:13"], false]);
});
