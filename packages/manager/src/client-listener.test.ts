import { SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import type { Listener } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { ClientListener } from "./client-listener.js";

const ESTABLISHED = {} as EstablishedConnection;

/** A slot that listens, and what became of it, in order. */
function openSlot(close: () => Promise<void> = async () => {}) {
  const told: string[] = [];
  const busy = vi.fn((): SessionError | undefined => undefined);
  const clientListener = new ClientListener(7, {
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
  return { clientListener, listener, told, busy };
}

describe("a slot", () => {
  it("stops listening when its client is there, and then hands it on", () => {
    const { clientListener, listener, told } = openSlot();
    clientListener.opened(listener);
    expect(clientListener.acceptHandler.address).toBe("/tmp/orders7.sock");
    expect(clientListener.acceptHandler.busy()).toBeUndefined();
    clientListener.acceptHandler.onEstablished(ESTABLISHED);
    expect(told).toEqual(["closed", "freed 7", "claimed 7 true"]);
  });

  it("has no place for a second client, also for one that came while it still listened", () => {
    const { clientListener, listener } = openSlot();
    clientListener.opened(listener);
    const { acceptHandler } = clientListener;
    acceptHandler.onEstablished(ESTABLISHED);
    expect(acceptHandler.busy()).toMatchObject({
      code: "IPC_SERVER_BUSY",
      message: "slot 7 is closed: its client has connected, or its time is over; request a new id",
    });
  });

  it("rejects every client while the manager is full", () => {
    const { clientListener, busy } = openSlot();
    const full = new SessionError("IPC_SERVER_BUSY", "full");
    busy.mockReturnValue(full);
    expect(clientListener.acceptHandler.busy()).toBe(full);
  });

  it("is freed when its client has not come in time, and says so once", () => {
    const pass = stopClock();
    const { clientListener, listener, told } = openSlot();
    clientListener.opened(listener);
    clientListener.expectWithin(5_000, () => told.push("missed"));
    pass(4_999);
    expect(told).toEqual([]);
    pass(1);
    expect(told).toEqual(["closed", "freed 7", "missed"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("reports no missed deadline once its client is there", () => {
    const pass = stopClock();
    const { clientListener, listener, told } = openSlot();
    clientListener.opened(listener);
    clientListener.expectWithin(5_000, () => told.push("missed"));
    clientListener.acceptHandler.onEstablished(ESTABLISHED);
    expect(vi.getTimerCount()).toBe(0);
    pass(5_000);
    expect(told).not.toContain("missed");
  });

  it("is freed once, however often", () => {
    const { clientListener, listener, told } = openSlot();
    clientListener.opened(listener);
    clientListener.close();
    clientListener.close();
    expect(clientListener.isClosed).toBe(true);
    expect(told).toEqual(["closed", "freed 7"]);
  });

  it("that is freed before it listens closes its listener as soon as there is one", () => {
    const { clientListener, listener, told } = openSlot();
    clientListener.close();
    clientListener.opened(listener);
    expect(told).toEqual(["freed 7", "closed"]);
  });

  it("says when closing fails, and throws nothing", async () => {
    const { clientListener, listener, told } = openSlot(() => Promise.reject(new Error("read-only")));
    clientListener.opened(listener);
    clientListener.close();
    await eventually(() => expect(told).toEqual(["closed", "freed 7", "closing 7 failed: Error: read-only"]));
  });

  it("keeps the process alive, or does not, as it is told", () => {
    const { clientListener, listener, told } = openSlot();
    clientListener.setReferenced(false);
    clientListener.opened(listener);
    clientListener.setReferenced(false);
    clientListener.setReferenced(true);
    expect(told).toEqual(["unref", "ref"]);
  });
});
