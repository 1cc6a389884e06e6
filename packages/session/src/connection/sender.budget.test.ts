import { createSecretKey } from "node:crypto";
import { MessageCipher } from "@ipc/crypto";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../../internal/testkit/src/peer-watch.js";
import { bytes, HeldStream, heldSender, nextTurn, stateOf } from "../../test/held-sender.js";
import { unawaitedWrites } from "../../test/silent-slips.js";
import { GolangIpcCodec } from "../codec/frame-codec.js";
import { SessionError } from "../errors.js";
import { SharedBudget } from "../shared-budget.js";
import { Sender } from "./sender.js";
import { WriteQueue } from "./write-queue.js";

const LIMIT = 1_000_000;
const HEADER_BYTES = 8;
const lost = new SessionError("IPC_CONNECTION_LOST", "cut");

describe("an outbox with a shared budget", () => {
  it.each([
    ["small messages", [10, 100, 1_000]],
    ["a large message", [200_000]],
    ["small and large messages in turn", [10, 65_536, 20, 100_000, 30]],
  ])("counts queued bytes with their frames, and nothing after the flush: %s", async (_what, lengths) => {
    const budget = new SharedBudget(LIMIT);
    const { sender, stream } = heldSender(LIMIT, budget);
    stream.holds = true;
    let sum = 0;
    for (const length of lengths) {
      void sender.write(1, bytes(length), undefined);
      sum += HEADER_BYTES + length;
      expect([budget.used, sender.queuedBytes]).toEqual([sum, sum]);
    }
    const flushed = sender.flush(undefined);
    expect(budget.used).toBe(sum);
    await stream.releaseAll();
    await flushed;
    expect([budget.used, sender.queuedBytes]).toEqual([0, 0]);
  });

  it("counts less with every write that the kernel has taken", async () => {
    const budget = new SharedBudget(LIMIT);
    const { sender, stream } = heldSender(LIMIT, budget);
    stream.holds = true;
    for (let count = 0; count < 3; count++) {
      void sender.write(1, bytes(992), undefined);
      await nextTurn();
    }
    expect(budget.used).toBe(3_000);
    await stream.release();
    expect(budget.used).toBe(2_000);
    await stream.releaseAll();
    expect(budget.used).toBe(0);
  });

  it("counts no waiting message, and counts it when it is accepted", async () => {
    const budget = new SharedBudget(LIMIT);
    const { sender, stream, waiting } = heldSender(1_000, budget);
    stream.holds = true;
    void sender.write(1, bytes(1_992), undefined);
    const second = sender.write(2, bytes(2_992), undefined);
    await nextTurn();
    expect([budget.used, waiting.size]).toEqual([2_000, 1]);
    await stream.release();
    await second;
    expect([budget.used, waiting.size]).toEqual([3_000, 0]);
    await stream.releaseAll();
    expect(budget.used).toBe(0);
  });

  it("makes a message wait when it holds as much as is left for all, and accepts it when its own messages were sent", async () => {
    const budget = new SharedBudget(10_000);
    const { sender, stream } = heldSender(LIMIT, budget);
    stream.holds = true;
    const first = sender.write(1, bytes(4_992), undefined);
    expect(await stateOf(first)).toBe("settled");
    const second = sender.write(2, bytes(92), undefined);
    expect(await stateOf(second)).toBe("pending");
    expect([budget.used, budget.share]).toEqual([5_000, 5_000]);
    await stream.releaseAll();
    await second;
    await sender.flush(undefined);
    expect(stream.messages()).toEqual(["1:4992", "2:92"]);
    expect(budget.used).toBe(0);
  });

  it("always accepts one message when it holds none, for any bytes in other outboxes", async () => {
    const budget = new SharedBudget(1_000);
    budget.add(5_000);
    const { sender, stream } = heldSender(LIMIT, budget);
    stream.holds = true;
    expect(sender.isFree).toBe(true);
    const writes = [1, 2, 3].map((type) => sender.write(type, bytes(500), undefined));
    expect(await stateOf(writes[0] as Promise<void>)).toBe("settled");
    expect(await stateOf(writes[1] as Promise<void>)).toBe("pending");
    await stream.releaseAll();
    await Promise.all(writes);
    await sender.flush(undefined);
    expect(stream.messages()).toEqual(["1:500", "2:500", "3:500"]);
    expect(budget.used).toBe(5_000);
  });

  it("accepts what waits when another outbox frees bytes, although the kernel takes none of its own", async () => {
    const budget = new SharedBudget(10_000);
    const [stalled, other] = [heldSender(LIMIT, budget), heldSender(LIMIT, budget)];
    stalled.stream.holds = true;
    other.stream.holds = true;
    await Promise.all([
      other.sender.write(1, bytes(4_992), undefined),
      stalled.sender.write(1, bytes(2_992), undefined),
    ]);
    const writes = [1, 2, 3].map((type) => stalled.sender.write(type, bytes(992), undefined));
    expect([await stateOf(writes[0] as Promise<void>), budget.waiting]).toEqual(["pending", 1]);
    await other.stream.releaseAll();
    await Promise.all(writes.slice(0, 2));
    expect([await stateOf(writes[2] as Promise<void>), budget.used, budget.waiting]).toEqual(["pending", 5_000, 1]);
    stalled.sender.fail(lost);
    await expect(writes[2]).rejects.toBe(lost);
    expect([budget.used, budget.waiting]).toEqual([0, 0]);
  });

  it("accepts what waits when others free bytes, also behind many whose waiting writes were aborted", async () => {
    const budget = new SharedBudget(100_000);
    budget.add(100_000);
    const stop = new AbortController();
    const aborted: Promise<unknown>[] = [];
    const senders = Array.from({ length: 20 }, () => heldSender(LIMIT, budget));
    for (const { sender, stream } of senders) {
      stream.holds = true;
      await sender.write(2, bytes(92), undefined);
      aborted.push(failureOf(sender.write(3, bytes(92), stop.signal)));
    }
    stop.abort();
    for (const error of await Promise.all(aborted)) expect(error).toMatchObject({ code: "IPC_ABORTED" });
    const last = heldSender(LIMIT, budget);
    last.stream.holds = true;
    await last.sender.write(2, bytes(92), undefined);
    const written = last.sender.write(3, bytes(92), undefined);
    expect(await stateOf(written)).toBe("pending");
    budget.remove(100_000);
    await written;
    expect(budget.waiting).toBe(0);
  });

  it("waits for no bytes of other outboxes when its own limit is reached, or a large message is under way", async () => {
    const budget = new SharedBudget(LIMIT);
    const { sender, stream } = heldSender(1_000, budget);
    stream.holds = true;
    void sender.write(1, bytes(2_000), undefined);
    void sender.write(1, bytes(2_000), undefined);
    expect(budget.waiting).toBe(0);
    await stream.releaseAll();
  });

  it("counts nothing after its failure, also when the kernel accepts a write later, or when it fails again", async () => {
    const budget = new SharedBudget(LIMIT);
    const { sender, stream } = heldSender(1_000, budget);
    stream.holds = true;
    void sender.write(1, bytes(500), undefined);
    await nextTurn();
    const waiting = [sender.write(2, bytes(200_000), undefined), sender.write(3, bytes(10), undefined)].map(failureOf);
    sender.fail(lost);
    expect(budget.used).toBe(0);
    expect(await Promise.all(waiting)).toEqual([lost, lost]);
    await stream.releaseAll();
    await expect(sender.write(4, bytes(10), undefined)).rejects.toBe(lost);
    sender.fail(lost);
    expect(budget.used).toBe(0);
  });

  it("counts no message that is still being batched when it fails", async () => {
    const budget = new SharedBudget(LIMIT);
    const { sender, stream } = heldSender(LIMIT, budget);
    void sender.write(1, bytes(500), undefined);
    expect(budget.used).toBe(508);
    sender.fail(lost);
    await nextTurn();
    expect([budget.used, stream.writes]).toEqual([0, []]);
  });

  it("counts nothing after its cipher has ended the connection", async () => {
    const budget = new SharedBudget(LIMIT);
    const stream = new HeldStream();
    stream.holds = true;
    const cipher = new MessageCipher(createSecretKey(new Uint8Array(32)), { messageLimit: 1 });
    const sender: Sender = new Sender({
      stream,
      encoder: new GolangIpcCodec(cipher),
      maxQueuedBytes: LIMIT,
      busyPollUs: 0,
      budget,
      waiting: new WriteQueue(LIMIT, unawaitedWrites),
      exhausted: (error) => sender.fail(error),
    });
    await sender.write(1, bytes(5), undefined);
    await expect(sender.write(2, bytes(5), undefined)).rejects.toMatchObject({ code: "IPC_CIPHER_EXHAUSTED" });
    expect(budget.used).toBe(0);
    await stream.releaseAll();
    expect(budget.used).toBe(0);
  });

  it("makes senders wait when it is full, and all of them send everything", async () => {
    const budget = new SharedBudget(10_000);
    const [stalled, ...others] = Array.from({ length: 10 }, () => heldSender(LIMIT, budget));
    if (stalled === undefined) throw new Error("there are ten");
    stalled.stream.holds = true;
    const held = Array.from({ length: 100 }, () => stalled.sender.write(1, bytes(992), undefined));
    await nextTurn();
    expect(budget.used).toBeLessThanOrEqual(6_000);
    for (const { sender, stream } of others) {
      await Promise.all(Array.from({ length: 100 }, () => sender.write(2, bytes(992), undefined)));
      await sender.flush(undefined);
      expect(stream.messages()).toHaveLength(100);
    }
    await stalled.stream.releaseAll();
    await Promise.all(held);
    await stalled.sender.flush(undefined);
    expect(stalled.stream.messages()).toHaveLength(100);
    expect(budget.used).toBe(0);
  });
});
