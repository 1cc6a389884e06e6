import { type Established, type Logger, SessionError } from "@ipc/session";
import { type Door, memory, type Transport, TransportError } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { ClientIds } from "./client-ids.js";
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
  /** Has somebody complete his handshake at a slot, whether he was told of it or not. */
  readonly claim: (slot: Slot) => void;
}

function open(transport: Transport = memory()): Place {
  const told: string[] = [];
  const claimed: Slot[] = [];
  const tell = (message: string): void => void told.push(message);
  const logger: Logger = { debug: tell, info: tell, warn: tell, error: tell };
  const slots = new Slots({
    name,
    transport,
    logger,
    ids: new ClientIds(false),
    receive: () => {},
    busy: () => undefined,
    authorize: () => true,
    claimed: (slot) => claimed.push(slot),
  });
  const claim = (slot: Slot): void => slot.entrance.arrived({} as Established);
  return { slots, world: transport, told, claimed, claim };
}

/** Says whether anybody listens at a slot. */
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
function worldThat(listen: (door: Door, listen: () => ReturnType<Transport["listen"]>) => unknown): Transport {
  const world = memory();
  return {
    ...world,
    listen: async (...given) =>
      (await listen(given[1], () => world.listen(...given))) as Awaited<ReturnType<Transport["listen"]>>,
  };
}

/** As `open`; nobody listens at the slot `gated` before `letListen`. */
function openGated(gated: number): Place & { readonly letListen: () => void } {
  let letListen = (): void => {};
  const gate = new Promise<void>((resolve) => {
    letListen = resolve;
  });
  const transport = worldThat(async (door, listen) => {
    if (door.kind === "slot" && door.id === gated) await gate;
    return listen();
  });
  return { ...open(transport), letListen };
}

describe("slots", () => {
  it("listen at the first before anybody asks, and at every other when it is asked for", async () => {
    const { slots, world } = open();
    await slots.prepare(undefined);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([1]);
    expect((await slots.allot(never)).id).toBe(1);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([1]);
    expect((await slots.allot(never)).id).toBe(2);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([1, 2]);
  });

  it("pass over an address that is taken, and say so", async () => {
    const { slots, world, told } = open();
    await world.listen(`${name}1`, { kind: "name" }, () => {}, {});
    await world.listen(`${name}3`, { kind: "name" }, () => {}, {});
    await slots.prepare(undefined);
    expect((await slots.allot(never)).id).toBe(2);
    expect((await slots.allot(never)).id).toBe(4);
    expect(told).toEqual([
      expect.stringMatching(/^server orders: id 1 is passed over: a server listens at memory:orders1 already/),
      expect.stringMatching(/^server orders: id 3 is passed over/),
    ]);
  });

  it("give the next what nobody was told, and free a second such", async () => {
    const { slots, world } = open();
    const [first, second] = [await slots.allot(never), await slots.allot(never)];
    slots.giveBack(second);
    slots.giveBack(first);
    expect(await listeningOf(world, [1, 2])).toEqual([2]);
    expect(await slots.allot(never)).toBe(second);
    expect((await slots.allot(never)).id).toBe(3);
  });

  it("take no slot back that has its client", async () => {
    const { slots, claim } = open();
    const first = await slots.allot(never);
    claim(first);
    slots.giveBack(first);
    expect((await slots.allot(never)).id).toBe(2);
  });

  it("give nobody the slot of a client that came without asking, such as golang-ipc's after a restart", async () => {
    const { slots, claimed, claim } = open();
    await slots.prepare(undefined);
    const first = await slots.allot(never);
    slots.giveBack(first);
    claim(first);
    expect(claimed).toEqual([first]);
    const next = await slots.allot(never);
    expect(next).toMatchObject({ id: 2, isFree: false });
  });

  it("give nobody a slot whose listener was lost, and say so", async () => {
    const lose: (() => void)[] = [];
    const world = memory();
    const { slots, told } = open({
      ...world,
      listen: (listenName, door, onStream, options) => {
        lose.push(() => options.onLost?.(new TransportError("IPC_LISTENER_LOST", "lost")));
        return world.listen(listenName, door, onStream, options);
      },
    });
    await slots.prepare(undefined);
    lose[0]?.();
    expect(told).toEqual(["server orders: slot 1 is closed: lost"]);
    expect(await slots.allot(never)).toMatchObject({ id: 2, isFree: false });
  });

  it("keep what nobody was told for the next, also when somebody is just waiting for another", async () => {
    const { slots, world, letListen } = openGated(2);
    const first = await slots.allot(never);
    const second = slots.allot(never);
    slots.giveBack(first);
    letListen();
    expect((await second).id).toBe(2);
    expect(await slots.allot(never)).toBe(first);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([1, 2]);
  });

  it("free the oldest past 1 024, and say so", async () => {
    const { slots, world, told } = open();
    await slots.prepare(undefined);
    const first = await slots.allot(never);
    const missed: unknown[] = [];
    first.expectWithin(60_000, (error) => void missed.push(error));
    for (let id = 2; id <= 1_024; id++) await slots.allot(never);
    expect([first.isFree, missed]).toEqual([false, []]);
    expect((await slots.allot(never)).id).toBe(1_025);
    expect(first.isFree).toBe(true);
    expect(missed).toMatchObject([{ code: "IPC_HANDSHAKE_FAILED" }]);
    expect(told).toEqual(["server orders: slot 1 is closed, the oldest of 1024 that wait for clients"]);
    expect(await listeningOf(world, [1, 2, 1_024, 1_025])).toEqual([2, 1_024, 1_025]);
  });

  it("count from when they were given, not from when they began to listen", async () => {
    const { slots } = open();
    const first = await slots.allot(never);
    for (let id = 2; id <= 1_024; id++) await slots.allot(never);
    slots.giveBack(first);
    expect(await slots.allot(never)).toBe(first);
    await slots.allot(never);
    expect(first.isFree).toBe(false);
  });

  it("are all freed at the end, and so is one that only then listens", async () => {
    const { slots, world, letListen } = openGated(2);
    await slots.prepare(undefined);
    const first = await slots.allot(never);
    const late = slots.allot(never);
    slots.close();
    letListen();
    expect(first.isFree).toBe(true);
    expect((await late).isFree).toBe(true);
    expect(await listeningOf(world, [1, 2])).toEqual([]);
  });

  it("are none where the transport has none: it is said at the start, and to each who asks", async () => {
    const failure = new TransportError("IPC_TRANSPORT_FAILED", "0 has no slots");
    const { slots, told } = open(worldThat(() => Promise.reject(failure)));
    await slots.prepare(undefined);
    expect(told).toEqual(["server orders: no client ids are given out: 0 has no slots"]);
    expect(await failureOf(slots.allot(never))).toBe(failure);
  });

  it("are no start at all where listening is forbidden, or was aborted", async () => {
    const denied = new TransportError("IPC_PERMISSION_DENIED", "no");
    expect(await failureOf(open(worldThat(() => Promise.reject(denied))).slots.prepare(undefined))).toBe(denied);
    const reason = new Error("enough");
    expect(await failureOf(open().slots.prepare(AbortSignal.abort(reason)))).toMatchObject({ code: "IPC_ABORTED" });
  });

  it("stop looking for a free address when nobody waits for it any more", async () => {
    const asker = new AbortController();
    let looked = 0;
    const { slots } = open(
      worldThat((_door, listen) => {
        if (asker.signal.aborted) return listen();
        if (++looked === 100) asker.abort(new SessionError("IPC_CLOSED", "gone"));
        throw new TransportError("IPC_ADDRESS_IN_USE", "taken");
      }),
    );
    expect(await failureOf(slots.allot(asker.signal))).toMatchObject({ code: "IPC_ABORTED" });
    expect(looked).toBe(100);
  });

  it("keep the process alive, or do not, also those that come later", async () => {
    const told: string[] = [];
    const { slots } = open(
      worldThat(async ({ ...door }, listen) => {
        const id = "id" in door ? door.id : 0;
        return { ...(await listen()), ref: () => told.push(`ref ${id}`), unref: () => told.push(`unref ${id}`) };
      }),
    );
    await slots.allot(never);
    slots.setReferenced(false);
    await slots.allot(never);
    slots.setReferenced(true);
    expect(told).toEqual(["ref 1", "unref 1", "unref 2", "ref 1", "ref 2"]);
  });
});
