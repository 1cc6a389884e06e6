import { array, assert, asyncProperty, constantFrom } from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { nextTick } from "../../test/recorded-inbox.js";
import { SessionError } from "../errors.js";
import { type MessageFlow, PeerEmitter } from "./peer-emitter.js";

interface Events {
  message: [text: string];
  error: [error: Error];
  close: [];
}

const EVENTS = ["message", "error", "close"];

interface Failure {
  readonly event: string;
  readonly error: unknown;
  /** The arguments with which the listener was called. */
  readonly connection: unknown;
}

/** An emitter, and the failures that it reports. */
function emitterAndFailures(flow?: MessageFlow): { emitter: PeerEmitter<Events>; failures: Failure[] } {
  const failures: Failure[] = [];
  const connectionOf = (_event: unknown, args: readonly unknown[]): unknown => args;
  const failed = (event: string, error: unknown, connection: unknown): void =>
    void failures.push({ event, error, connection });
  return { emitter: new PeerEmitter<Events>(EVENTS, { connectionOf, failed }, flow), failures };
}

const newEmitter = (flow?: MessageFlow): PeerEmitter<Events> => emitterAndFailures(flow).emitter;

const lost = new SessionError("IPC_CONNECTION_LOST", "cut");
const bug = new TypeError("x is not a function");

describe("a listener", () => {
  it("is called with the arguments in the order of adding, and once when added with once", () => {
    const emitter = newEmitter();
    const seen: string[] = [];
    emitter.on("message", (text) => seen.push(`on ${text}`));
    emitter.once("message", (text) => seen.push(`once ${text}`));
    emitter.emit("message", "a");
    emitter.emit("message", "b");
    expect(seen).toEqual(["on a", "once a", "on b"]);
  });

  it("is not called any more when it was removed or all were cleared", () => {
    const emitter = newEmitter();
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
    const emitter = newEmitter();
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
    const emitter = newEmitter();
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
    const emitter = newEmitter(flow);
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
    const emitter = newEmitter({ listen, unlisten: () => {} });
    expect(() => emitter.on("message", undefined as never)).toThrow(TypeError);
    expect(() => emitter.once("message", "x" as never)).toThrow(TypeError);
    expect(listen).not.toHaveBeenCalled();
  });

  it("is not added when the messages have another consumer", () => {
    const taken = new SessionError("IPC_CONSUMER_TAKEN", "taken");
    const listen = (): void => {
      throw taken;
    };
    const emitter = newEmitter({ listen, unlisten: () => {} });
    const listener = vi.fn();
    expect(() => emitter.on("message", listener)).toThrow(taken);
    emitter.emit("message", "a");
    expect(listener).not.toHaveBeenCalled();
  });

  it.each(["on", "once", "off"] as const)(
    "is rejected with a TypeError of %s when the event does not exist",
    (method) => {
      const add = newEmitter()[method].bind(newEmitter()) as (event: unknown, listener: () => void) => void;
      for (const event of ["mesage", "toString", 1, undefined]) {
        expect(() => add(event, () => {})).toThrow(
          new TypeError(
            `${method}: \`event\` takes one of message, error, close, got ${typeof event === "string" ? `"${event}"` : event}`,
          ),
        );
      }
    },
  );

  it("is not required for an error", () => {
    expect(() => newEmitter().emit("error", lost)).not.toThrow();
  });
});

describe("a listener that fails", () => {
  it.each([
    [
      "throws",
      (): void => {
        throw bug;
      },
    ],
    ["rejects", (): Promise<never> => Promise.reject(bug)],
    [
      "returns a thenable whose getter throws",
      () => ({
        // biome-ignore lint/suspicious/noThenProperty: a listener may return anything
        get then(): never {
          throw bug;
        },
      }),
    ],
  ] as const)("is reported when it %s, with its connection, after every other one was called", async (_how, fail) => {
    const { emitter, failures } = emitterAndFailures();
    const seen: string[] = [];
    emitter.on("message", fail);
    emitter.once("message", fail);
    emitter.on("message", (text) => seen.push(text));
    emitter.emit("message", "a");
    expect([seen, failures]).toEqual([["a"], []]);
    await nextTick();
    const failure = { event: "message", error: bug, connection: ["a"] };
    expect(failures).toEqual([failure, failure]);
  });
});

it("emitMessage calls what emit calls, and reports what it reports, whatever was added and removed before", async () => {
  const ACTIONS = ["on", "once", "off", "fail", "reject", "clear", "emit"] as const;
  /** Plays the actions on an emitter of its own. Returns what was seen. */
  const play = async (
    actions: readonly (typeof ACTIONS)[number][],
    emit: (emitter: PeerEmitter<Events>, text: string) => void,
  ): Promise<unknown> => {
    const { emitter, failures } = emitterAndFailures();
    const seen: string[] = [];
    const listener = (...args: readonly unknown[]): unknown => seen.push(args.join());
    const acts: Record<(typeof ACTIONS)[number], () => void> = {
      on: () => emitter.on("message", listener),
      once: () => emitter.once("message", listener),
      off: () => emitter.off("message", listener),
      fail: () =>
        emitter.on("message", () => {
          throw bug;
        }),
      reject: () => emitter.on("message", () => Promise.reject(bug)),
      clear: () => emitter.clear(),
      emit: () => emit(emitter, `message ${seen.length}`),
    };
    for (const action of actions) acts[action]();
    await nextTick();
    return { seen, failures };
  };
  await assert(
    asyncProperty(array(constantFrom(...ACTIONS), { maxLength: 12 }), async (actions) => {
      const expected = await play(actions, (emitter, text) => emitter.emit("message", text));
      expect(await play(actions, (emitter, text) => emitter.emitMessage(text))).toEqual(expected);
    }),
  );
});
