import { SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import type { Listener } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { Slot } from "./slot.js";

const ESTABLISHED = {} as EstablishedConnection;

/** A slot that listens, and what became of it, in order. */
function openSlot(close: () => Promise<void> = async () => {}) {
  const told: string[] = [];
  const busy = vi.fn((): SessionError | undefined => undefined);
  const slot = new Slot(7, {
    busy,
    authorize: () => true,
    claimed: ({ id }, established) => told.push(`claimed ${id} ${established === ESTABLISHED}`),
    closed: ({ id }) => told.push(`freed ${id}`),
    closeFailed: ({ id }, error) => told.push(`closing ${id} failed: ${error}`),
  });
  const listener: Listener = {
    address: "/tmp/orders7.sock",
    close: () => {
      told.push("closed");
      return close();
    },
    ref: () => told.push("ref"),
    unref: () => told.push("unref"),
  };
  return { slot, listener, told, busy };
}

describe("a slot", () => {
  it("stops listening when its client is there, and then hands it on", () => {
    const { slot, listener, told } = openSlot();
    slot.opened(listener);
    expect(slot.acceptHandler.address).toBe("/tmp/orders7.sock");
    expect(slot.acceptHandler.busy()).toBeUndefined();
    slot.acceptHandler.onEstablished(ESTABLISHED);
    expect(told).toEqual(["closed", "freed 7", "claimed 7 true"]);
  });

  it("has no place for a second client, also for one that came while it still listened", () => {
    const { slot, listener } = openSlot();
    slot.opened(listener);
    const { acceptHandler } = slot;
    acceptHandler.onEstablished(ESTABLISHED);
    expect(acceptHandler.busy()).toMatchObject({
      code: "IPC_SERVER_BUSY",
      message: "slot 7 is closed: its client has connected, or its time is over; request a new id",
    });
  });

  it("rejects every client while the manager is full", () => {
    const { slot, busy } = openSlot();
    const full = new SessionError("IPC_SERVER_BUSY", "full");
    busy.mockReturnValue(full);
    expect(slot.acceptHandler.busy()).toBe(full);
  });

  it("is freed when its client has not come in time, and says so once", () => {
    const pass = stopClock();
    const { slot, listener, told } = openSlot();
    slot.opened(listener);
    slot.expectWithin(5_000, () => told.push("missed"));
    pass(4_999);
    expect(told).toEqual([]);
    pass(1);
    expect(told).toEqual(["closed", "freed 7", "missed"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("reports no missed deadline once its client is there", () => {
    const pass = stopClock();
    const { slot, listener, told } = openSlot();
    slot.opened(listener);
    slot.expectWithin(5_000, () => told.push("missed"));
    slot.acceptHandler.onEstablished(ESTABLISHED);
    expect(vi.getTimerCount()).toBe(0);
    pass(5_000);
    expect(told).not.toContain("missed");
  });

  it("is freed once, however often", () => {
    const { slot, listener, told } = openSlot();
    slot.opened(listener);
    slot.close();
    slot.close();
    expect(slot.isClosed).toBe(true);
    expect(told).toEqual(["closed", "freed 7"]);
  });

  it("that is freed before it listens closes its listener as soon as there is one", () => {
    const { slot, listener, told } = openSlot();
    slot.close();
    slot.opened(listener);
    expect(told).toEqual(["freed 7", "closed"]);
  });

  it("says when closing fails, and throws nothing", async () => {
    const { slot, listener, told } = openSlot(() => Promise.reject(new Error("read-only")));
    slot.opened(listener);
    slot.close();
    await eventually(() => expect(told).toEqual(["closed", "freed 7", "closing 7 failed: Error: read-only"]));
  });

  it("keeps the process alive, or does not, as it is told", () => {
    const { slot, listener, told } = openSlot();
    slot.setReferenced(false);
    slot.opened(listener);
    slot.setReferenced(false);
    slot.setReferenced(true);
    expect(told).toEqual(["unref", "ref"]);
  });
});
