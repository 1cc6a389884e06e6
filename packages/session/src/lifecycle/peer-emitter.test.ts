import { describe, expect, it, vi } from "vitest";
import { keepUncaught } from "../../../../internal/testkit/src/uncaught-exceptions.js";
import { nextTick } from "../../test/recorded-inbox.js";
import { SessionError } from "../errors.js";
import { PeerEmitter } from "./peer-emitter.js";

interface Events {
  message: [text: string];
  error: [error: Error];
  close: [];
}

/** A listener that rejects with `error`, one macrotask later. */
function rejectingWith(error: unknown): () => void {
  const listener = async (): Promise<never> => {
    await nextTick();
    return Promise.reject(error);
  };
  return listener as () => void;
}

const lost = new SessionError("IPC_CONNECTION_LOST", "cut");
const bug = new TypeError("x is not a function");

describe("a listener", () => {
  it("is given the arguments, in the order of adding, once where it was added so", () => {
    const emitter = new PeerEmitter<Events>();
    const seen: string[] = [];
    emitter.on("message", (text) => seen.push(`on ${text}`));
    emitter.once("message", (text) => seen.push(`once ${text}`));
    emitter.emit("message", "a");
    emitter.emit("message", "b");
    expect(seen).toEqual(["on a", "once a", "on b"]);
  });

  it("is not called any more when it was removed or all were cleared", () => {
    const emitter = new PeerEmitter<Events>();
    const seen: string[] = [];
    const listener = (text: string): void => void seen.push(text);
    emitter.on("message", listener);
    emitter.once("close", () => seen.push("close"));
    emitter.off("message", listener);
    emitter.clear();
    emitter.emit("message", "a");
    emitter.emit("close");
    expect(seen).toEqual([]);
  });

  it("that was added with once is called once, also when another one emits the event or removes it", () => {
    const emitter = new PeerEmitter<Events>();
    const seen: string[] = [];
    const once = (text: string): void => void seen.push(`once ${text}`);
    const removed = (): void => void seen.push("removed");
    emitter.on("message", (text) => {
      emitter.off("message", removed);
      if (text === "a") emitter.emit("message", "b");
    });
    emitter.once("message", once);
    emitter.once("message", removed);
    emitter.emit("message", "a");
    expect(seen).toEqual(["once b"]);
  });

  it("that was added twice is called twice, and removed one by one, the latest first", () => {
    const emitter = new PeerEmitter<Events>();
    const seen: string[] = [];
    const listener = (text: string): void => void seen.push(text);
    emitter.once("message", listener);
    emitter.on("message", listener);
    emitter.emit("message", "a");
    emitter.once("message", listener);
    emitter.off("message", listener);
    emitter.emit("message", "b");
    expect(seen).toEqual(["a", "a", "b"]);
  });

  it("begins the flow of messages before it is added, and the removal of the last one ends it, by off or after once", () => {
    const calls: string[] = [];
    const flow = { listen: () => calls.push("listen"), unlisten: () => calls.push("unlisten") };
    const emitter = new PeerEmitter<Events>(flow);
    const [one, other] = [(): void => {}, (): void => {}];
    emitter.on("close", one);
    emitter.off("close", one);
    calls.length = 0;
    emitter.on("message", one);
    emitter.on("message", other);
    emitter.off("message", one);
    expect(calls).toEqual(["listen", "listen"]);
    emitter.off("message", other);
    emitter.once("message", one);
    emitter.emit("message", "a");
    expect(calls.slice(2)).toEqual(["unlisten", "listen", "unlisten"]);
  });

  it("is rejected with a TypeError and begins nothing when it is no function", () => {
    const listen = vi.fn();
    const emitter = new PeerEmitter<Events>({ listen, unlisten: () => {} });
    expect(() => emitter.on("message", undefined as never)).toThrow(TypeError);
    expect(() => emitter.once("message", "x" as never)).toThrow(TypeError);
    expect(listen).not.toHaveBeenCalled();
  });

  it("is not added when the messages have another consumer", () => {
    const taken = new SessionError("IPC_CONSUMER_TAKEN", "taken");
    const listen = (): void => {
      throw taken;
    };
    const emitter = new PeerEmitter<Events>({ listen, unlisten: () => {} });
    const listener = vi.fn();
    expect(() => emitter.on("message", listener)).toThrow(taken);
    emitter.emit("message", "a");
    expect(listener).not.toHaveBeenCalled();
  });

  it("of an error need not be there", () => {
    expect(() => new PeerEmitter<Events>().emit("error", lost)).not.toThrow();
  });
});

describe("what a listener fails with", () => {
  it("by a throw is an uncaught exception, also an end of a connection, and does not reach the emitter", async () => {
    const caught = keepUncaught();
    const emitter = new PeerEmitter<Events>();
    emitter.on("message", () => {
      throw bug;
    });
    emitter.on("close", () => {
      throw lost;
    });
    emitter.emit("message", "a");
    emitter.emit("close");
    expect(caught).toEqual([]);
    await nextTick();
    expect(caught).toEqual([bug, lost]);
  });

  it.each(["on", "once"] as const)("by a rejection is an uncaught exception, added with %s", async (add) => {
    const caught = keepUncaught();
    const emitter = new PeerEmitter<Events>();
    emitter[add]("message", rejectingWith(bug));
    emitter.emit("message", "a");
    await nextTick();
    await nextTick();
    expect(caught).toEqual([bug]);
  });

  it.each(["on", "once"] as const)(
    "by a rejection with an end of a connection is passed over, added with %s",
    async (add) => {
      const caught = keepUncaught();
      const emitter = new PeerEmitter<Events>();
      emitter[add]("message", rejectingWith(lost));
      emitter.emit("message", "a");
      await nextTick();
      await nextTick();
      expect(caught).toEqual([]);
    },
  );

  it.each(["IPC_QUEUE_FULL", "IPC_CLOSE_INCOMPLETE"] as const)(
    "by a rejection with %s, which a peer causes that does not read, is a warning, once",
    async (code) => {
      const caught = keepUncaught();
      const warn = vi.spyOn(process, "emitWarning").mockReturnValue();
      const emitter = new PeerEmitter<Events>();
      const error = new SessionError(code, "the peer does not read");
      emitter.on("message", rejectingWith(error));
      for (let message = 0; message < 3; message++) emitter.emit("message", "a");
      await nextTick();
      await nextTick();
      expect(caught).toEqual([]);
      expect(warn.mock.calls).toEqual([[error]]);
      warn.mockRestore();
    },
  );

  it.each([
    ["an error of the library that no peer causes", new SessionError("IPC_CONSUMER_TAKEN", "taken")],
    ["an abort", new SessionError("IPC_ABORTED", "aborted")],
    ["an end that it has made its own", new Error("order 7 was not sent", { cause: lost })],
    ["what is no error", "late"],
  ])("by a rejection with %s is an uncaught exception", async (_what, error) => {
    const caught = keepUncaught();
    const emitter = new PeerEmitter<Events>();
    emitter.on("error", rejectingWith(error));
    emitter.emit("error", lost);
    await nextTick();
    await nextTick();
    expect(caught).toEqual([error]);
  });

  it("in an error's listener does not make another error of it", async () => {
    const caught = keepUncaught();
    const emitter = new PeerEmitter<Events>();
    const seen: Error[] = [];
    emitter.on("error", (error) => seen.push(error));
    emitter.on("message", rejectingWith(bug));
    emitter.emit("message", "a");
    await nextTick();
    await nextTick();
    expect([seen, caught]).toEqual([[], [bug]]);
  });
});
