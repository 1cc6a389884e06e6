import { Duplex } from "node:stream";
import { encodeMessage, FrameDecoder } from "@ipc/framing";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nextTurn } from "../../test/held-sender.js";
import { type IpcError, SessionError } from "../errors.js";
import { Receiver } from "./receiver.js";

const BAD_FRAME = Uint8Array.of(0, 0, 0, 1, 0);
const BYTES = 9;

const message = (text: string, type = 1): Uint8Array => encodeMessage(type, Buffer.from(text));
const join = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

// Otherwise a time slice may expire in any test.
beforeEach(() => void vi.spyOn(performance, "now").mockReturnValue(0));
afterEach(() => void vi.restoreAllMocks());

interface Setup {
  readonly stream: Duplex;
  readonly receiver: Receiver;
  /** The receiver's actions, in order. */
  readonly events: string[];
  /** Called for each message. */
  onMessage: (text: string) => void;
  /** Called for each control frame. */
  onControl: (text: string) => void;
  accepts: boolean;
}

const setUp = (...buffered: Uint8Array[]): Setup => makeSetup(buffered, false);

/** The same for a peer with control frames. */
const setUpControl = (...buffered: Uint8Array[]): Setup => makeSetup(buffered, true);

function makeSetup(buffered: Uint8Array[], hasControl: boolean): Setup {
  const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  const decoder = new FrameDecoder({ maxBodyLength: 1_000 });
  for (const chunk of buffered) decoder.push(chunk);
  const events: string[] = [];
  const failed = (error: IpcError): void => {
    events.push(error.code);
    receiver.stop();
  };
  const receive = (data: Uint8Array): void => {
    const text = Buffer.from(data).toString();
    events.push(`control ${text}`);
    setup.onControl(text);
  };
  const receiver = new Receiver(stream, decoder, failed, hasControl ? { receive } : undefined);
  const setup: Setup = { stream, receiver, events, onMessage: () => {}, onControl: () => {}, accepts: true };
  receiver.attach({
    message: ({ data }) => {
      const text = Buffer.from(data).toString();
      events.push(text);
      setup.onMessage(text);
    },
    bufferDone: (buffer) => events.push(`buffer of ${buffer.byteLength} done`),
    acceptsRemaining: () => setup.accepts,
  });
  return setup;
}

describe("a receiver", () => {
  it("delivers nothing before `run`, then the buffered messages, then the data of the stream", async () => {
    const { stream, receiver, events } = setUp(message("a"));
    stream.push(message("b"));
    await nextTurn();
    expect(events).toEqual([]);
    receiver.run();
    await nextTurn();
    expect(events).toEqual(["a", "buffer of 9 done", "b", expect.stringMatching(/^buffer/)]);
  });

  it("drops control frames when it has no callback for them", () => {
    const { receiver, events } = setUp(join(message("x", 0), message("y")));
    receiver.run();
    expect(events).toEqual(["y", "buffer of 18 done"]);
  });

  it("passes on the data of control frames, in order with the messages", () => {
    const setup = setUpControl(join(message("a"), message("x", 0), message("b"), message("", 0)));
    setup.onControl = (text) => {
      if (text === "") throw new SessionError("IPC_RECORD_INVALID", "empty");
    };
    setup.receiver.run();
    expect(setup.events).toEqual(["a", "control x", "b", "control ", "IPC_RECORD_INVALID"]);
  });

  it("counts the bytes that the stream brings", async () => {
    const { stream, receiver } = setUp(message("a"));
    receiver.run();
    stream.push(message("b").subarray(0, 5));
    stream.push(message("b").subarray(5));
    await nextTurn();
    expect(receiver.receivedBytes).toBe(BYTES);
  });

  it("delivers nothing while it is paused, and everything in order after `resume`", async () => {
    const { stream, receiver, events } = setUp(message("a"));
    receiver.pause();
    receiver.run();
    stream.push(message("b"));
    await nextTurn();
    expect([events, stream.readableLength]).toEqual([[], BYTES]);
    receiver.resume();
    await nextTurn();
    expect(events.filter((event) => event.length === 1)).toEqual(["a", "b"]);
  });

  it("stops in the middle of a chunk when a listener pauses it, and continues there", () => {
    const setup = setUp(join(message("a"), message("b")));
    setup.onMessage = () => setup.receiver.pause();
    setup.receiver.run();
    expect(setup.events).toEqual(["a", "buffer of 18 done"]);
    setup.receiver.resume();
    expect(setup.events.slice(2)).toEqual(["b", "buffer of 18 done"]);
  });

  it("decodes nothing after a message whose listener stops it", () => {
    const setup = setUp(join(message("a"), BAD_FRAME));
    setup.onMessage = () => setup.receiver.stop();
    setup.receiver.run();
    expect(setup.events).toEqual(["a"]);
    expect(setup.stream.listenerCount("data")).toBe(0);
  });

  it("reports an invalid frame once, after the messages before it", async () => {
    const { stream, receiver, events } = setUp(join(message("a"), BAD_FRAME));
    receiver.run();
    stream.push(message("b"));
    await nextTurn();
    expect(events).toEqual(["a", "IPC_FRAME_TOO_SHORT"]);
  });

  it("rethrows an exception that the library did not make", () => {
    const setup = setUp(message("a"));
    const defect = new TypeError("x is not a function");
    setup.onMessage = () => {
      throw defect;
    };
    expect(() => setup.receiver.run()).toThrow(defect);
  });

  it("ends the delivery of a message before it starts the next when the stream emits 'data' meanwhile", async () => {
    const setup = setUp();
    const depths: number[] = [];
    let depth = 0;
    setup.onMessage = (text) => {
      depths.push(++depth);
      // As a stream does whose other end answers within `write`.
      if (text === "a") setup.stream.emit("data", join(message("b"), message("c")));
      depth--;
    };
    setup.receiver.run();
    setup.stream.emit("data", message("a"));
    await nextTurn();
    expect(setup.events.filter((event) => event.length === 1)).toEqual(["a", "b", "c"]);
    expect(depths).toEqual([1, 1, 1]);
  });
});

describe("draining", () => {
  it("delivers the messages in the decoder and the stream, also during a pause, and calls back once", async () => {
    const { stream, receiver, events } = setUp(message("a"));
    receiver.pause();
    stream.push(message("b"));
    stream.push(message("c"));
    const drained = vi.fn();
    receiver.drain(drained);
    receiver.drain(drained);
    expect(events.filter((event) => event.length === 1)).toEqual(["a", "b", "c"]);
    expect(drained.mock.calls).toEqual([[0]]);
    expect(receiver.truncation()).toBeUndefined();
  });

  it("counts the bytes that the reader no longer accepts", () => {
    const setup = setUp(join(message("a"), message("b")));
    setup.onMessage = () => {
      setup.accepts = false;
    };
    setup.receiver.pause();
    setup.stream.push(message("c"));
    const drained = vi.fn();
    setup.receiver.drain(drained);
    expect(setup.events).toEqual(["a", "buffer of 18 done"]);
    expect(drained.mock.calls).toEqual([[2 * BYTES]]);
  });

  it("delivers nothing after a message that it has dropped, and still passes on control frames", () => {
    const setup = setUpControl(join(message("a"), message("b"), message("x", 0), message("c")));
    setup.receiver.pause();
    setup.accepts = false;
    // The reader accepts again as soon as the first message is gone.
    setup.onControl = () => {
      setup.accepts = true;
    };
    const drained = vi.fn();
    setup.receiver.drain(drained);
    expect(setup.events).toEqual(["control x"]);
    expect(drained.mock.calls).toEqual([[3 * BYTES]]);
    expect(setup.receiver.truncation()).toBeUndefined();
  });

  it("does not call back when a listener stops it", () => {
    const setup = setUp(message("a"));
    setup.onMessage = () => setup.receiver.stop();
    const drained = vi.fn();
    setup.receiver.drain(drained);
    expect(drained).not.toHaveBeenCalled();
  });

  it("distinguishes a truncated frame from a whole one", () => {
    const { receiver } = setUp(message("a").subarray(0, 5));
    receiver.drain(() => {});
    expect(receiver.truncation()).toMatchObject({ code: "IPC_FRAME_TRUNCATED" });
  });
});

describe("the time slice", () => {
  /** Makes each clock sample find that a second has passed. */
  function hurryClock(): void {
    let now = 0;
    vi.spyOn(performance, "now").mockImplementation(() => {
      now += 1_000;
      return now;
    });
  }

  it("makes the receiver yield to the event loop, with the stream paused, and continue where it stopped", async () => {
    hurryClock();
    const texts = Array.from({ length: 40 }, (_, index) => `${index}`);
    const { stream, receiver, events } = setUp(join(...texts.map((text) => message(text))));
    receiver.run();
    const first = events.length;
    expect(first).toBeLessThan(texts.length);
    expect(stream.isPaused()).toBe(true);
    receiver.resume();
    expect(events).toHaveLength(first);
    while (events.filter((event) => !event.startsWith("buffer")).length < texts.length) await nextTurn();
    expect(events.filter((event) => !event.startsWith("buffer"))).toEqual(texts);
  });

  it("does not continue after a stop of the receiver", async () => {
    hurryClock();
    const { receiver, events } = setUp(join(...Array.from({ length: 40 }, () => message("a"))));
    receiver.run();
    const count = events.length;
    receiver.stop();
    await nextTurn();
    expect(events).toHaveLength(count);
  });
});

it("leaves the memory of a message that arrived in pieces to its reader, and protects what messages behind it share", async () => {
  const stream = new Duplex({ read() {} });
  const failed = (error: IpcError): void => expect.fail(error.message);
  const receiver = new Receiver(stream, new FrameDecoder({ maxBodyLength: 1_000 }), failed);
  const lengths: number[] = [];
  receiver.attach({
    message: ({ data }) => {
      try {
        structuredClone(data, { transfer: [data.buffer as ArrayBuffer] });
      } catch {
        // Node.js 21 and later refuse to transfer memory that is marked; Node.js 20 copies it.
      }
      lengths.push(data.length);
    },
    bufferDone() {},
    acceptsRemaining: () => true,
  });
  receiver.run();
  const bytes = join(message("in pieces"), message("whole"), message("whole, too"));
  stream.push(bytes.subarray(0, 12));
  await nextTurn();
  stream.push(bytes.slice(12));
  await nextTurn();
  expect(lengths).toEqual([0, 5, 10]);
  receiver.stop();
});
