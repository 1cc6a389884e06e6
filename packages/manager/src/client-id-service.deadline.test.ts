import type { Transport } from "@ipc/transport";
import { describe, expect, it, vi } from "vitest";
import { nextHandshakes } from "../../../internal/testkit/src/next-handshake.js";
import { collect } from "../../../internal/testkit/src/peer-watch.js";
import type { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import {
  ask,
  comeToAsk,
  dial,
  expectFreed,
  expectListening,
  name,
  REQUEST,
  readId,
  start,
} from "../test/raw-id-requester.js";

describe("the deadline of an id requester", () => {
  it("disconnects a requester that sends no request", async () => {
    const { manager, world } = await start();
    const refused = collect(manager, "refused");
    const pass = stopClock();
    const request = await comeToAsk(world);
    pass(4_999);
    expect(refused).toEqual([]);
    pass(1);
    expect(refused).toMatchObject([
      { code: "IPC_HANDSHAKE_TIMEOUT", message: "no client id request within 5000 ms; the connection was closed" },
    ]);
    await request.gone;
    expect(vi.getTimerCount()).toBe(0);
  });

  it("answers a request that arrived while this process was busy longer than the deadline", async () => {
    const { world } = await start();
    const pass = stopClock();
    const request = await comeToAsk(world);
    // The clock goes on, and no timer fires meanwhile.
    const busy = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 9_000);
    pass(5_000);
    busy.mockRestore();
    request.stream.write(REQUEST);
    expect(await readId(request)).toBe(1);
  });

  it("keeps the slot as long again when this process was busy longer than the deadline", async () => {
    const { world } = await start();
    const pass = stopClock();
    const { id } = await ask(world);
    const busy = vi.spyOn(performance, "now").mockReturnValue(performance.now() + 9_000);
    pass(5_000);
    busy.mockRestore();
    await expectListening(world, id);
    pass(5_000);
    await expectFreed(world, id);
  });

  it("frees the slot and disconnects the requester when no client connects to the slot", async () => {
    const { manager, world } = await start();
    const refused = collect(manager, "refused");
    const pass = stopClock();
    const { request, id } = await ask(world);
    pass(4_999);
    await expectListening(world, id);
    pass(1);
    expect(refused).toMatchObject([
      { code: "IPC_HANDSHAKE_TIMEOUT", message: "no client connected to slot 1 within 5000 ms; the slot was closed" },
    ]);
    await expectFreed(world, id);
    await request.gone;
  });

  it("starts again for connecting to the slot when the request comes late", async () => {
    const { manager, world } = await start();
    const refused = collect(manager, "refused");
    const pass = stopClock();
    const request = await comeToAsk(world);
    pass(4_000);
    request.stream.write(REQUEST);
    const id = await readId(request);
    pass(4_999);
    await expectListening(world, id);
    expect(request.stream.destroyed).toBe(false);
    expect(refused).toEqual([]);
  });
});

describe("past 1 024 pending id requests", () => {
  /** Fills all places but those of the connections that are there already. */
  async function fill(world: Transport, connections: number): Promise<RawPeer[]> {
    const arrived = nextHandshakes(name, connections);
    const all = await Promise.all(
      Array.from({ length: connections }, async () => {
        const request = await dial(world, { kind: "manager" });
        await request.join();
        return request;
      }),
    );
    await arrived;
    return all;
  }

  it("drops and reports a requester without a request, keeps an older one with a request, and answers the newest", async () => {
    const { manager, world } = await start();
    const refused = collect(manager, "refused");
    const { request: asked } = await ask(world);
    const silent = await fill(world, 1_023);
    expect(refused).toEqual([]);
    expect((await ask(world)).id).toBe(2);
    await Promise.race(silent.map(({ gone }) => gone));
    expect(refused).toMatchObject([
      {
        code: "IPC_HANDSHAKE_FAILED",
        message:
          "id request dropped: 1024 are pending, and this one has not requested an id; the client can dial again",
      },
    ]);
    expect(silent.filter(({ stream }) => stream.destroyed)).toHaveLength(1);
    expect(asked.stream.destroyed).toBe(false);
  });

  it("drops the newest requester when every other one has sent its request", async () => {
    const { manager, world } = await start();
    const refused = collect(manager, "refused");
    const asked = await fill(world, 1_024);
    for (const request of asked) request.stream.write(REQUEST);
    await Promise.all(asked.map(readId));
    await (await comeToAsk(world)).gone;
    expect(refused).toMatchObject([
      { code: "IPC_HANDSHAKE_FAILED", message: expect.stringContaining("and all have requested an id") },
    ]);
    expect(asked.filter(({ stream }) => stream.destroyed)).toEqual([]);
  });
});
