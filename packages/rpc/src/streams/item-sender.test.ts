import { describe, expect, test } from "vitest";
import { ItemSender } from "./item-sender.js";

interface Scene {
  readonly sender: ItemSender;
  readonly sent: Uint8Array[];
  /** What has been called, and what waits. */
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
