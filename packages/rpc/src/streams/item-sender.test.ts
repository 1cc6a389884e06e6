import { describe, expect, test } from "vitest";
import { textOf } from "../wire/payload.js";
import { ItemSender, type ItemSource } from "./item-sender.js";

interface Scene {
  readonly sender: ItemSender;
  readonly sent: Uint8Array[];
  /** The calls so far, and those that wait. */
  readonly log: string[];
  readonly release: () => void;
  readonly running: Promise<unknown>;
}

/** A sender of the numbers 0, 1, …; its source or its validator waits with the second one until it is released. */
function scene(waits: "source" | "validator"): Scene {
  const sent: Uint8Array[] = [];
  const log: string[] = [];
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let at = 0;
  const sender = new ItemSender({
    id: 1,
    method: "give",
    send: async (frame) => void sent.push(frame),
    validate: async (item) => {
      if (waits === "validator" && item === 1) await released;
      return item;
    },
  });
  const running = sender.run({
    next: async () => {
      if (waits === "source" && at === 1) await released;
      return { done: false, value: at++ };
    },
    return: async () => {
      log.push("return");
      return { done: true, value: undefined };
    },
  });
  return { sender, sent, log, release, running };
}

const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await null;
};

/** Sends a source's items, and returns them as text. */
async function send(source: ItemSource): Promise<{ readonly items: string[]; readonly end: unknown }> {
  const items: string[] = [];
  const options = {
    id: 1,
    method: "give",
    send: async (frame: Uint8Array) => void items.push(textOf(frame, 12, frame.length)),
  };
  const end = await new ItemSender(options).run(source).catch((error: unknown) => ({ error }));
  return { items, end };
}

describe("a sender of a synchronous source of promises", () => {
  test("sends what they resolve with, in order", async () => {
    const late = new Promise((resolve) => setImmediate(resolve, "late"));
    const { items } = await send([late, 1, Promise.resolve({ a: 1 })][Symbol.iterator]());
    expect(items).toEqual(['"late"', "1", '{"a":1}']);
  });

  test("rejects as one of them does, and calls the source's `return`", async () => {
    let returned = 0;
    function* source() {
      try {
        yield 1;
        yield Promise.reject(new Error("second"));
      } finally {
        returned++;
      }
    }
    const { items, end } = await send(source());
    expect([items, returned]).toEqual([["1"], 1]);
    expect(end).toEqual({ error: new Error("second") });
  });

  test("resolves with what the returned one resolves with", async () => {
    function* source() {
      yield 1;
      return Promise.resolve("output");
    }
    expect(await send(source())).toEqual({ items: ["1"], end: "output" });
  });
});

describe.each(["source", "validator"] as const)("a sender stopped while its %s waits", (waits) => {
  test("sends no further item, and calls `return` once", async () => {
    const { sender, sent, log, release, running } = scene(waits);
    await turns();
    expect(sent).toHaveLength(1);
    sender.stop();
    release();
    expect(await running).toBeUndefined();
    expect(sent).toHaveLength(1);
    expect(log).toEqual(["return"]);
  });
});
