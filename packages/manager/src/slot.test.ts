import { SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import type { Listener } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { Slot } from "./slot.js";

const ESTABLISHED = { outcome: {} } as EstablishedConnection;
const TAKEN = {
  code: "IPC_SERVER_BUSY",
  message: "slot 7 is taken: its client has connected, or its time is over; request a new id",
};

/** A slot, its listener, and what became of it, in order. */
function createSlot(close: () => Promise<void> = async () => {}) {
  const told: string[] = [];
  const busy = vi.fn((): SessionError | undefined => undefined);
  const slot = new Slot(7, {
    busy,
    authorize: () => true,
    resume: undefined,
    claimed: ({ id }, established) => told.push(`claimed ${id} ${established === ESTABLISHED}`),
    closed: ({ id }) => told.push(`slot ${id} closed`),
    closeFailed: (error) => told.push(`closing 7 failed: ${error}`),
  });
  const listener: Listener = {
    address: "/tmp/orders7.sock",
    close: () => {
      told.push("listener closed");
      return close();
    },
    ref: () => {},
    unref: () => {},
  };
  return { slot, listener, told, busy };
}

/** A slot that listens. */
function openSlot(...given: Parameters<typeof createSlot>) {
  const created = createSlot(...given);
  created.slot.opened(created.listener);
  return created;
}

/** A slot whose client has come, and has gone again. */
function leftSlot() {
  const opened = openSlot();
  opened.slot.acceptHandler.onEstablished(ESTABLISHED);
  opened.slot.leave();
  opened.told.length = 0;
  return opened;
}

describe("a slot that waits for its client", () => {
  it("sets no deadline when its client has connected before", () => {
    const pass = stopClock();
    const { slot, told } = openSlot();
    slot.acceptHandler.onEstablished(ESTABLISHED);
    const missed = vi.fn();
    slot.expectWithin(5_000, missed);
    pass(60_000);
    expect([slot.state, missed.mock.calls, told]).toEqual(["taken", [], ["claimed 7 true"]]);
  });

  it("accepts a client of any kind, and passes it on", () => {
    const { slot, told } = openSlot();
    const { acceptHandler } = slot;
    expect(acceptHandler).toMatchObject({ address: "/tmp/orders7.sock", golangIpcOnly: false });
    expect(acceptHandler.busy()).toBeUndefined();
    acceptHandler.onEstablished(ESTABLISHED);
    expect(told).toEqual(["claimed 7 true"]);
  });

  it("rejects every client while the manager is full", () => {
    const { slot, busy } = openSlot();
    const full = new SessionError("IPC_SERVER_BUSY", "full");
    busy.mockReturnValue(full);
    expect(slot.acceptHandler.busy()).toBe(full);
  });

  it("closes and reports it once when its client has not connected in time", () => {
    const pass = stopClock();
    const { slot, told } = openSlot();
    slot.expectWithin(5_000, () => told.push("missed"));
    pass(4_999);
    expect(told).toEqual([]);
    pass(1);
    expect(told).toEqual(["listener closed", "slot 7 closed", "missed"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("reports the reason when the manager gives it up", () => {
    const { slot, told } = openSlot();
    slot.expectWithin(5_000, (error) => told.push(`missed: ${error?.message}`));
    slot.giveUp(new SessionError("IPC_HANDSHAKE_FAILED", "too many"));
    expect(told).toEqual(["listener closed", "slot 7 closed", "missed: too many"]);
  });
});

describe("a slot whose client is connected", () => {
  it("keeps listening, reports no missed deadline and has no timer", () => {
    const pass = stopClock();
    const { slot, told } = openSlot();
    slot.expectWithin(5_000, () => told.push("missed"));
    slot.acceptHandler.onEstablished(ESTABLISHED);
    expect(vi.getTimerCount()).toBe(0);
    pass(1_000_000);
    expect([slot.state, told]).toEqual(["taken", ["claimed 7 true"]]);
  });

  it("rejects a second client as busy, whether it came before or after the first one connected", () => {
    const { slot } = openSlot();
    const early = slot.acceptHandler;
    slot.acceptHandler.onEstablished(ESTABLISHED);
    expect(early.busy()).toMatchObject(TAKEN);
    expect(slot.acceptHandler.busy()).toMatchObject(TAKEN);
  });
});

describe("a slot whose client has disconnected", () => {
  it("accepts only a golang-ipc client, for 30 s, then closes", () => {
    const pass = stopClock();
    const { slot, told } = leftSlot();
    expect(slot.acceptHandler.golangIpcOnly).toBe(true);
    pass(29_999);
    expect(slot.acceptHandler.busy()).toBeUndefined();
    expect(told).toEqual([]);
    pass(1);
    expect(told).toEqual(["listener closed", "slot 7 closed"]);
    expect(slot.acceptHandler.busy()).toMatchObject(TAKEN);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits 30 s again after each client", () => {
    const pass = stopClock();
    const { slot, told } = leftSlot();
    for (let visit = 0; visit < 3; visit++) {
      pass(29_999);
      slot.acceptHandler.onEstablished(ESTABLISHED);
      pass(1_000_000);
      slot.leave();
    }
    expect(told).toEqual(["claimed 7 true", "claimed 7 true", "claimed 7 true"]);
    pass(30_000);
    expect(slot.state).toBe("closed");
  });

  it("rejects a handshake that began before its client connected, because any client could begin it", () => {
    const { slot } = openSlot();
    const early = slot.acceptHandler;
    slot.acceptHandler.onEstablished(ESTABLISHED);
    slot.leave();
    expect(early.busy()).toMatchObject(TAKEN);
    expect(slot.acceptHandler.busy()).toBeUndefined();
  });

  it("reports nothing when the manager gives it up", () => {
    const { slot, told } = openSlot();
    slot.expectWithin(5_000, () => told.push("missed"));
    slot.acceptHandler.onEstablished(ESTABLISHED);
    slot.leave();
    slot.giveUp(new SessionError("IPC_HANDSHAKE_FAILED", "too many"));
    expect(told).toEqual(["claimed 7 true", "listener closed", "slot 7 closed"]);
  });
});

describe("a slot", () => {
  it("closes once, however often close is called", () => {
    const { slot, told } = openSlot();
    slot.close();
    slot.close();
    expect(slot.state).toBe("closed");
    expect(told).toEqual(["listener closed", "slot 7 closed"]);
  });

  it("closes its listener at once when it was closed before it listened", () => {
    const { slot, listener, told } = createSlot();
    slot.close();
    slot.opened(listener);
    expect(told).toEqual(["slot 7 closed", "listener closed"]);
  });

  it("reports a close that fails, and throws nothing", async () => {
    const { slot, told } = openSlot(() => Promise.reject(new Error("read-only")));
    slot.close();
    await eventually(() =>
      expect(told).toEqual(["listener closed", "slot 7 closed", "closing 7 failed: Error: read-only"]),
    );
  });

  it("does not keep the process alive while it listens", () => {
    const { slot, listener } = createSlot();
    const unref = vi.spyOn(listener, "unref");
    slot.opened(listener);
    expect(unref).toHaveBeenCalledOnce();
  });
});
