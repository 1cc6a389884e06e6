import { setImmediate } from "node:timers/promises";
import { type Logger, SessionError } from "@ipc/session";
import type { EstablishedConnection } from "@ipc/session/internal";
import { type Endpoint, memory, type Transport, TransportError } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import type { Slot } from "./slot.js";
import { Slots, type SlotsOptions } from "./slots.js";

const name = "orders";
const never = new AbortController().signal;
const IN_USE = new TransportError("IPC_ADDRESS_IN_USE", "taken");

interface Place {
  readonly slots: Slots;
  readonly world: Transport;
  /** The lines that the logger got. */
  readonly told: string[];
  /** The slot of each client that has connected. */
  readonly claimed: number[];
  /** The answer to each stream when it was passed on. */
  readonly received: ("free" | "busy")[];
}

/** @param receive what becomes of an accepted stream; by default, `received` shows the answer to it */
function create(transport: Transport = memory(), receive?: SlotsOptions["receive"]): Place {
  const told: string[] = [];
  const claimed: number[] = [];
  const received: ("free" | "busy")[] = [];
  const tell = (message: string): void => void told.push(message);
  const logger: Logger = { debug: tell, info: tell, warn: tell, error: tell };
  let lastId = 0;
  const slots = new Slots({
    name,
    transport,
    logger,
    nextId: () => ++lastId,
    receive: receive ?? ((_stream, { busy }) => received.push(busy() === undefined ? "free" : "busy")),
    busy: () => undefined,
    authorize: () => true,
    resume: undefined,
    claimed: ({ id }) => claimed.push(id),
  });
  return { slots, world: transport, told, claimed, received };
}

/** Completes a client's handshake at a slot. */
function claim(slot: Slot): void {
  slot.acceptHandler.onEstablished({ outcome: {} } as EstablishedConnection);
}

/** Opens slots until there are so many, and returns the last. */
async function openMany(slots: Slots, count: number): Promise<Slot> {
  for (let opened = 1; opened < count; opened++) await slots.open(never);
  return slots.open(never);
}

async function listeningOf(world: Transport, ids: readonly number[]): Promise<number[]> {
  const found = await Promise.all(
    ids.map(async (id) => {
      const stream = await world.dial(name, { kind: "slot", id }, {}).catch(() => undefined);
      stream?.destroy();
      return stream === undefined ? [] : [id];
    }),
  );
  return found.flat();
}

/** memory(), whose `listen` does what the test says. */
function worldThat(listen: (endpoint: Endpoint, listen: () => ReturnType<Transport["listen"]>) => unknown): Transport {
  const world = memory();
  return {
    ...world,
    listen: async (...given) =>
      (await listen(given[1], () => world.listen(...given))) as Awaited<ReturnType<Transport["listen"]>>,
  };
}

describe("slots", () => {
  it("listen one by one, when they are opened", async () => {
    const { slots, world } = create();
    expect(await listeningOf(world, [1, 2, 3])).toEqual([]);
    expect((await slots.open(never)).id).toBe(1);
    expect((await slots.open(never)).id).toBe(2);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([1, 2]);
  });

  it("stay when their client connects and leaves, and listen no longer 30 s after that", async () => {
    const pass = stopClock();
    const { slots, world, claimed } = create();
    for (const slot of [await slots.open(never), await slots.open(never)]) claim(slot);
    slots.leave(1);
    pass(29_999);
    expect(await listeningOf(world, [1, 2])).toEqual([1, 2]);
    pass(1);
    expect(await listeningOf(world, [1, 2])).toEqual([2]);
    expect(claimed).toEqual([1, 2]);
  });

  it("ignore the end of a client without a slot, and of one whose slot was lost", async () => {
    const lose: (() => void)[] = [];
    const world = memory();
    const { slots, told } = create({
      ...world,
      listen: (listenName, endpoint, onStream, options) => {
        lose.push(() => options.onLost?.(new TransportError("IPC_LISTENER_LOST", "lost")));
        return world.listen(listenName, endpoint, onStream, options);
      },
    });
    claim(await slots.open(never));
    lose[0]?.();
    slots.leave(1);
    slots.leave(99);
    expect(told).toEqual(["server orders: slot 1 closed: lost"]);
    expect(await listeningOf(world, [1, 99])).toEqual([]);
  });

  it("are free for a client that redials when its old connection closes in the same turn of the event loop", async () => {
    const { slots, world, received } = create();
    claim(await slots.open(never));
    await world.dial(name, { kind: "slot", id: 1 }, {});
    // The stream is accepted; then come the callbacks of `setImmediate`, and then those of sockets that have closed.
    await setImmediate();
    await setImmediate();
    expect(received).toEqual([]);
    slots.leave(1);
    await setImmediate();
    expect(received).toEqual(["free"]);
  });

  it("answer busy to others as long as the client stays", async () => {
    const { slots, world, received } = create();
    claim(await slots.open(never));
    await world.dial(name, { kind: "slot", id: 1 }, {});
    for (let turn = 0; turn < 3; turn++) await setImmediate();
    expect(received).toEqual(["busy"]);
  });

  it("skip a slot whose listener is lost, or whose client connects, before `listen` resolves", async () => {
    const world = memory();
    const transport: Transport = {
      ...world,
      async listen(...given) {
        const [, endpoint, , options] = given;
        const listener = await world.listen(...given);
        if (endpoint.kind !== "slot") return listener;
        if (endpoint.id === 1) options.onLost?.(new TransportError("IPC_LISTENER_LOST", "lost"));
        if (endpoint.id === 2) await world.dial(name, endpoint, {});
        await setImmediate();
        return listener;
      },
    };
    const { slots, claimed } = create(transport, (_stream, { onEstablished }) =>
      onEstablished({ outcome: {} } as EstablishedConnection),
    );
    expect((await slots.open(never)).id).toBe(3);
    expect(claimed).toEqual([2]);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([2, 3]);
  });

  it("are closed with the manager, and so is one that listens only then", async () => {
    let letListen = (): void => {};
    const gate = new Promise<void>((resolve) => {
      letListen = resolve;
    });
    const { slots, world } = create(
      worldThat(async (endpoint, listen) => {
        if (endpoint.kind === "slot" && endpoint.id === 2) await gate;
        return listen();
      }),
    );
    const first = await slots.open(never);
    const late = slots.open(never);
    slots.close();
    letListen();
    expect([first.state, (await late).state]).toEqual(["closed", "closed"]);
    expect(await listeningOf(world, [1, 2])).toEqual([]);
  });
});

describe("an address that is in use", () => {
  it("is skipped, with a log entry", async () => {
    const { slots, world, told } = create();
    await world.listen(`${name}1`, { kind: "name" }, () => {}, {});
    await world.listen(`${name}3`, { kind: "name" }, () => {}, {});
    expect((await slots.open(never)).id).toBe(2);
    expect((await slots.open(never)).id).toBe(4);
    expect(told).toEqual([
      expect.stringMatching(/^server orders: id 1 skipped: a server already listens at memory:orders1/),
      expect.stringMatching(/^server orders: id 3 skipped/),
    ]);
  });

  it("is skipped 32 times, then the request fails; the next request continues behind them", async () => {
    let looked = 0;
    const { slots } = create(
      worldThat((endpoint, listen) => {
        looked++;
        if (endpoint.kind === "slot" && endpoint.id <= 40) throw IN_USE;
        return listen();
      }),
    );
    expect(await failureOf(slots.open(never))).toMatchObject({
      code: "IPC_ADDRESS_IN_USE",
      message:
        "no slot for a client of `orders`: 32 addresses in a row are in use; find the program that uses them, or retry, which goes on behind them",
      cause: IN_USE,
    });
    expect(looked).toBe(32);
    expect((await slots.open(never)).id).toBe(41);
  });

  it("is not skipped when the request was aborted or listening fails for another reason", async () => {
    const request = new AbortController();
    let looked = 0;
    const { slots } = create(
      worldThat((_endpoint, listen) => {
        if (request.signal.aborted) return listen();
        if (++looked === 5) request.abort(new SessionError("IPC_CLOSED", "gone"));
        throw IN_USE;
      }),
    );
    expect(await failureOf(slots.open(request.signal))).toMatchObject({ code: "IPC_ABORTED" });
    expect(looked).toBe(5);
    const denied = new TransportError("IPC_PERMISSION_DENIED", "no");
    expect(await failureOf(create(worldThat(() => Promise.reject(denied))).slots.open(never))).toBe(denied);
  });
});

describe("past 1 024 slots without a client", () => {
  it("the oldest is closed, with a log entry, and its client is reported as missed", async () => {
    const { slots, world, told } = create();
    const first = await slots.open(never);
    const missed: unknown[] = [];
    first.expectWithin(60_000, (error) => void missed.push(error));
    await openMany(slots, 1_023);
    expect([first.state, missed]).toEqual(["waiting", []]);
    expect((await slots.open(never)).id).toBe(1_025);
    expect(first.state).toBe("closed");
    expect(missed).toMatchObject([{ code: "IPC_HANDSHAKE_FAILED" }]);
    expect(told).toEqual(["server orders: slot 1 closed: the oldest of 1024 without a client"]);
    expect(await listeningOf(world, [1, 2, 1_024, 1_025])).toEqual([2, 1_024, 1_025]);
  });

  it("slots with a client do not count, and a slot counts from the moment its client disconnects", async () => {
    const { slots, world } = create();
    claim(await slots.open(never));
    await openMany(slots, 1_024);
    expect(await listeningOf(world, [1, 2])).toEqual([1, 2]);
    slots.leave(1);
    expect(await listeningOf(world, [1, 2, 3])).toEqual([1, 3]);
    await openMany(slots, 1_022);
    expect(await listeningOf(world, [1, 1_024, 1_025])).toEqual([1, 1_025]);
    await openMany(slots, 2);
    expect(await listeningOf(world, [1])).toEqual([]);
  });
});
