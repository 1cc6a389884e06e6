import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { noOrigin } from "../../test/no-origin.js";
import { someSession } from "../../test/some-session.js";
import { ReceivedMessage } from "../message.js";
import { SharedBudget } from "../shared-budget.js";
import { SessionInput } from "./session-input.js";

const message = (type: number): ReceivedMessage => new ReceivedMessage(type, new Uint8Array(92), noOrigin);

/** Two of them are enough for an acknowledgement at once. */
const large = (type: number): ReceivedMessage => new ReceivedMessage(type, new Uint8Array(200_000), noOrigin);

/** An inbox that takes so many messages at a time, and a stream. */
function setUp(capacity: number, budget?: SharedBudget, limit = 300) {
  const state = {
    isBlocked: false,
    unread: 0,
    isFlowing: true,
    received: [] as number[],
    last: new Uint8Array(0) as Uint8Array,
    onDelivery: (): void => {},
  };
  const session = someSession();
  const input: SessionInput = new SessionInput({
    session,
    limit,
    budget,
    isFull: () => state.unread >= capacity,
    isBlocked: () => state.isBlocked,
    deliver: ({ type, data }) => {
      state.received.push(type);
      state.last = data;
      state.unread++;
      state.onDelivery();
      if (state.unread >= capacity) input.onFull();
    },
    pause: () => {
      state.isFlowing = false;
    },
    resume: () => {
      state.isFlowing = true;
    },
  });
  const read = (count: number): void => {
    state.unread -= count;
    input.onRoom();
  };
  const fill = (count: number): void => {
    state.unread = count;
    input.onFull();
  };
  return { state, session, input, read, fill };
}

/** Each look at the clock finds that a second has passed: a time slice is over as soon as it looks. */
function hurryClock(): void {
  let now = 0;
  const spy = vi.spyOn(performance, "now").mockImplementation(() => {
    now += 1_000;
    return now;
  });
  onTestFinished(() => spy.mockRestore());
}

describe("the input of a session", () => {
  it("stops at a full inbox while no write waits", () => {
    const { state, session, input, read } = setUp(1);
    input.receive(message(1));
    expect([state.isFlowing, session.counts.received]).toEqual([false, 1]);
    read(1);
    expect(state.isFlowing).toBe(true);
  });

  it("reads past a full inbox while a write waits, up to its limit, and counts nothing of that", () => {
    const { state, session, input } = setUp(1);
    state.isBlocked = true;
    for (const type of [1, 2, 3, 4, 5]) {
      expect(state.isFlowing).toBe(true);
      input.receive(message(type));
    }
    expect([state.isFlowing, session.counts.received, state.received]).toEqual([false, 1, [1]]);
  });

  it("reads on when a write begins to wait while it stands still, and stops again once none waits", () => {
    const { state, input } = setUp(1);
    input.receive(message(1));
    state.isBlocked = true;
    input.onWaiting();
    expect(state.isFlowing).toBe(true);
    state.isBlocked = false;
    input.receive(message(2));
    expect(state.isFlowing).toBe(false);
  });

  it("passes on what it has read past the inbox in order, and counts it then", () => {
    const { state, session, input, read } = setUp(2);
    state.isBlocked = true;
    for (const type of [1, 2, 3, 4, 5]) input.receive(message(type));
    read(2);
    expect([state.received, session.counts.received, state.isFlowing]).toEqual([[1, 2, 3, 4], 4, true]);
    input.receive(message(6));
    read(2);
    expect([state.received, session.counts.received, state.isFlowing]).toEqual([[1, 2, 3, 4, 5, 6], 6, true]);
  });

  it("acknowledges what a batch has brought, and what it passes on later, in one go each", async () => {
    const { state, session, input, read } = setUp(2, undefined, 1_000_000);
    const acks: number[] = [];
    session.attach(({ received }) => acks.push(received) > 0);
    state.isBlocked = true;
    for (const type of [1, 2, 3, 4]) input.receive(large(type));
    await nextTurn();
    expect(acks).toEqual([]);
    input.onBatch();
    await nextTurn();
    expect(acks).toEqual([2]);
    read(2);
    await nextTurn();
    expect(acks).toEqual([2, 4]);
    session.detach([]);
  });

  it("acknowledges a batch in which a listener closes the connection, which goes on until both sides have everything", async () => {
    const { state, session, input } = setUp(9, undefined, 1_000_000);
    const acks: number[] = [];
    session.attach(({ received }) => acks.push(received) > 0);
    state.onDelivery = () => {
      if (state.received.length === 2) input.end();
    };
    for (const type of [1, 2]) input.receive(large(type));
    await nextTurn();
    expect(acks).toEqual([2]);
    session.detach([]);
  });

  it("keeps no record in memory for the sake of a message of one byte, and passes on the same bytes", () => {
    const { state, input, read } = setUp(1);
    state.isBlocked = true;
    input.receive(message(1));
    const record = new Uint8Array(262_144).fill(7);
    input.receive(new ReceivedMessage(2, record.subarray(0, 1), noOrigin));
    record.fill(0);
    read(1);
    expect([state.received, state.last, state.last.buffer.byteLength]).toEqual([[1, 2], Uint8Array.of(7), 1]);
  });

  it("reads past a full inbox as far as the budget of all peers has room, and returns to it what it has held", () => {
    const budget = new SharedBudget(400);
    const { state, input, read } = setUp(1, budget);
    state.isBlocked = true;
    for (const type of [1, 2, 3]) input.receive(message(type));
    expect([state.isFlowing, budget.used]).toEqual([true, 200]);
    input.receive(message(4));
    expect([state.isFlowing, budget.used]).toEqual([false, 300]);
    read(1);
    expect([state.received, budget.used]).toEqual([[1, 2], 200]);
    input.end();
    expect(budget.used).toBe(0);
  });

  it("reads on when other peers free bytes of the budget, and waits for none once it has ended", async () => {
    const budget = new SharedBudget(1_000);
    const { state, input } = setUp(1, budget, 10_000);
    budget.add(850);
    for (const type of [1, 2]) {
      input.receive(message(type));
      expect([state.isFlowing, budget.waiting]).toEqual([false, 0]);
    }
    state.isBlocked = true;
    input.onWaiting();
    expect([state.isFlowing, budget.waiting]).toEqual([true, 0]);
    input.receive(message(3));
    expect([state.isFlowing, budget.waiting]).toEqual([false, 1]);
    budget.remove(850);
    await nextTurn();
    expect([state.isFlowing, budget.waiting]).toEqual([true, 0]);
    budget.add(850);
    input.receive(message(4));
    expect([state.isFlowing, budget.waiting]).toEqual([false, 1]);
    input.end();
    expect(budget.waiting).toBe(0);
  });

  it("passes on what arrives within a delivery behind what it has read before", () => {
    const { state, input, read, fill } = setUp(9);
    state.isBlocked = true;
    fill(9);
    for (const type of [1, 2]) input.receive(message(type));
    state.onDelivery = () => {
      if (state.received.length < 3) input.receive(message(state.received.length + 2));
    };
    read(9);
    expect(state.received).toEqual([1, 2, 3, 4]);
  });

  it("passes on a few messages in each turn of the event loop, however many it has read past the inbox, and stops at its end", async () => {
    const { state, session, input, read, fill } = setUp(1_000, undefined, 100_000);
    state.isBlocked = true;
    fill(1_000);
    for (let type = 1; type <= 100; type++) input.receive(message(type));
    hurryClock();
    read(1_000);
    const perTurn = state.received.length;
    expect(perTurn).toBeLessThanOrEqual(16);
    input.receive(message(101));
    input.onRoom();
    expect(state.received).toHaveLength(perTurn);
    for (let turn = 0; turn < 4; turn++) await nextTurn();
    expect(state.received.length).toBeLessThanOrEqual(5 * perTurn);
    while (state.received.length < 90) await nextTurn();
    expect(state.received).toEqual(state.received.map((_type, index) => index + 1));
    expect(session.counts.received).toBe(state.received.length);
    const { length } = state.received;
    input.end();
    await nextTurn();
    await nextTurn();
    expect(state.received).toHaveLength(length);
  });

  it("passes on nothing more once the connection has ended within a delivery", () => {
    const { state, input, read, fill } = setUp(9);
    state.isBlocked = true;
    fill(9);
    for (const type of [1, 2, 3]) input.receive(message(type));
    state.onDelivery = () => input.end();
    read(9);
    expect(state.received).toEqual([1]);
  });

  it("lets nothing flow in a later turn once the connection has ended within the delivery that uses its time up", async () => {
    const { state, input, read, fill } = setUp(1_000, undefined, 100_000);
    state.isBlocked = true;
    fill(1_000);
    for (let type = 1; type <= 20; type++) input.receive(message(type));
    state.onDelivery = () => {
      if (state.received.length === 16) input.end();
    };
    hurryClock();
    read(1_000);
    expect(state.received).toHaveLength(16);
    state.isFlowing = false;
    await nextTurn();
    await nextTurn();
    expect([state.received.length, state.isFlowing]).toEqual([16, false]);
  });
});
