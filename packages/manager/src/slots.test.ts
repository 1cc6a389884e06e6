import { type Logger, SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import { type Endpoint, memory, type Transport, TransportError } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import type { Slot } from "./slot.js";
import { Slots } from "./slots.js";

const name = "orders";
const never = new AbortController().signal;

interface Place {
  readonly slots: Slots;
  readonly world: Transport;
  /** What happened, in the logger's words. */
  readonly told: string[];
  readonly claimed: Slot[];
  /** Completes a client's handshake at a slot, whether or not the client was told its id. */
  readonly claim: (slot: Slot) => void;
}

function open(transport: Transport = memory()): Place {
  const told: string[] = [];
  const claimed: Slot[] = [];
  const tell = (message: string): void => void told.push(message);
  const logger: Logger = { debug: tell, info: tell, warn: tell, error: tell };
  let lastId = 0;
  const slots = new Slots({
    name,
    transport,
    logger,
    nextId: () => ++lastId,
    receive: () => {},
    busy: () => undefined,
    authorize: () => true,
    claimed: (slot) => claimed.push(slot),
  });
  const claim = (slot: Slot): void => slot.acceptHandler.onEstablished({} as EstablishedConnection);
  return { slots, world: transport, told, claimed, claim };
}

/** Says whether a slot listens. */
async function isListening(world: Transport, id: number): Promise<boolean> {
  try {
    (await world.dial(name, { kind: "slot", id }, {})).destroy();
    return true;
  } catch {
    return false;
  }
}

async function listeningOf(world: Transport, ids: readonly number[]): Promise<number[]> {
  const found = await Promise.all(ids.map(async (id) => ((await isListening(world, id)) ? [id] : [])));
  return found.flat();
}

/** memory(), whose next `listen` calls go as told. */
function worldThat(listen: (endpoint: Endpoint, listen: () => ReturnType<Transport["listen"]>) => unknown): Transport {
  const world = memory();
  return {
    ...world,
    listen: async (...given) =>
      (await listen(given[1], () => world.listen(...given))) as Awaited<ReturnType<Transport["listen"]>>,
  };
}

/** As `open`; the slot `gated` does not listen before `letListen`. */
function openGated(gated: number): Place & { readonly letListen: () => void } {
  let letListen = (): void => {};
  const gate = new Promise<void>((resolve) => {
    letListen = resolve;
  });
  const transport = worldThat(async (endpoint, listen) => {
    if (endpoint.kind === "slot" && endpoint.id === gated) await gate;
    return listen();
  });
  return { ...open(transport), letListen };
}

describe("slots", () => {
  it("listen at the first before any request, and at every other when it is requested", async () => {
    const { slots, world } = open();
    await slots.prepare(undefined);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([1]);
    expect((await slots.acquire(never)).id).toBe(1);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([1]);
    expect((await slots.acquire(never)).id).toBe(2);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([1, 2]);
  });

  it("pass over an address that is taken, and say so", async () => {
    const { slots, world, told } = open();
    await world.listen(`${name}1`, { kind: "name" }, () => {}, {});
    await world.listen(`${name}3`, { kind: "name" }, () => {}, {});
    await slots.prepare(undefined);
    expect((await slots.acquire(never)).id).toBe(2);
    expect((await slots.acquire(never)).id).toBe(4);
    expect(told).toEqual([
      expect.stringMatching(/^server orders: id 1 is passed over: a server listens at memory:orders1 already/),
      expect.stringMatching(/^server orders: id 3 is passed over/),
    ]);
  });

  it("give a released slot to the next requester, and free a second one", async () => {
    const { slots, world } = open();
    const [first, second] = [await slots.acquire(never), await slots.acquire(never)];
    slots.release(second);
    slots.release(first);
    expect(await listeningOf(world, [1, 2])).toEqual([2]);
    expect(await slots.acquire(never)).toBe(second);
    expect((await slots.acquire(never)).id).toBe(3);
  });

  it("take no slot back that has its client", async () => {
    const { slots, claim } = open();
    const first = await slots.acquire(never);
    claim(first);
    slots.release(first);
    expect((await slots.acquire(never)).id).toBe(2);
  });

  it("withhold the slot of a client that came without asking, such as golang-ipc's after a restart", async () => {
    const { slots, claimed, claim } = open();
    await slots.prepare(undefined);
    const first = await slots.acquire(never);
    slots.release(first);
    claim(first);
    expect(claimed).toEqual([first]);
    const next = await slots.acquire(never);
    expect(next).toMatchObject({ id: 2, isClosed: false });
  });

  it("withhold a slot whose listener was lost, and log it", async () => {
    const lose: (() => void)[] = [];
    const world = memory();
    const { slots, told } = open({
      ...world,
      listen: (listenName, endpoint, onStream, options) => {
        lose.push(() => options.onLost?.(new TransportError("IPC_LISTENER_LOST", "lost")));
        return world.listen(listenName, endpoint, onStream, options);
      },
    });
    await slots.prepare(undefined);
    lose[0]?.();
    expect(told).toEqual(["server orders: slot 1 is closed: lost"]);
    expect(await slots.acquire(never)).toMatchObject({ id: 2, isClosed: false });
  });

  it("keep a released slot for the next requester, also while another request is pending", async () => {
    const { slots, world, letListen } = openGated(2);
    const first = await slots.acquire(never);
    const second = slots.acquire(never);
    slots.release(first);
    letListen();
    expect((await second).id).toBe(2);
    expect(await slots.acquire(never)).toBe(first);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([1, 2]);
  });

  it("free the oldest past 1 024, and say so", async () => {
    const { slots, world, told } = open();
    await slots.prepare(undefined);
    const first = await slots.acquire(never);
    const missed: unknown[] = [];
    first.expectWithin(60_000, (error) => void missed.push(error));
    for (let id = 2; id <= 1_024; id++) await slots.acquire(never);
    expect([first.isClosed, missed]).toEqual([false, []]);
    expect((await slots.acquire(never)).id).toBe(1_025);
    expect(first.isClosed).toBe(true);
    expect(missed).toMatchObject([{ code: "IPC_HANDSHAKE_FAILED" }]);
    expect(told).toEqual(["server orders: slot 1 is closed, the oldest of 1024 that wait for clients"]);
    expect(await listeningOf(world, [1, 2, 1_024, 1_025])).toEqual([2, 1_024, 1_025]);
  });

  it("count from when they were given, not from when they began to listen", async () => {
    const { slots } = open();
    const first = await slots.acquire(never);
    for (let id = 2; id <= 1_024; id++) await slots.acquire(never);
    slots.release(first);
    expect(await slots.acquire(never)).toBe(first);
    await slots.acquire(never);
    expect(first.isClosed).toBe(false);
  });

  it("are all freed at the end, and so is one that only then listens", async () => {
    const { slots, world, letListen } = openGated(2);
    await slots.prepare(undefined);
    const first = await slots.acquire(never);
    const late = slots.acquire(never);
    slots.close();
    letListen();
    expect(first.isClosed).toBe(true);
    expect((await late).isClosed).toBe(true);
    expect(await listeningOf(world, [1, 2])).toEqual([]);
  });

  it("are no start at all where listening is forbidden, or was aborted", async () => {
    const denied = new TransportError("IPC_PERMISSION_DENIED", "no");
    expect(await failureOf(open(worldThat(() => Promise.reject(denied))).slots.prepare(undefined))).toBe(denied);
    const reason = new Error("enough");
    expect(await failureOf(open().slots.prepare(AbortSignal.abort(reason)))).toMatchObject({
      code: "IPC_ABORTED",
    });
  });

  it("stop looking for a free address when the request was aborted", async () => {
    const request = new AbortController();
    let looked = 0;
    const { slots } = open(
      worldThat((_door, listen) => {
        if (request.signal.aborted) return listen();
        if (++looked === 100) request.abort(new SessionError("IPC_CLOSED", "gone"));
        throw new TransportError("IPC_ADDRESS_IN_USE", "taken");
      }),
    );
    expect(await failureOf(slots.acquire(request.signal))).toMatchObject({ code: "IPC_ABORTED" });
    expect(looked).toBe(100);
  });

  it("keep the process alive, or do not, also those that come later", async () => {
    const told: string[] = [];
    const { slots } = open(
      worldThat(async ({ ...endpoint }, listen) => {
        const id = "id" in endpoint ? endpoint.id : 0;
        return { ...(await listen()), ref: () => told.push(`ref ${id}`), unref: () => told.push(`unref ${id}`) };
      }),
    );
    await slots.acquire(never);
    slots.setReferenced(false);
    await slots.acquire(never);
    slots.setReferenced(true);
    expect(told).toEqual(["ref 1", "unref 1", "unref 2", "ref 1", "ref 2"]);
  });
});
