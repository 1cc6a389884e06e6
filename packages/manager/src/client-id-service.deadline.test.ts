import { describe, expect, it, vi } from "vitest";
import { nextHandshakes } from "../../../internal/testkit/src/next-handshake.js";
import { collect } from "../../../internal/testkit/src/peer-watch.js";
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
  it("drops and reports the oldest, and answers the newest", async () => {
    const { manager, world } = await start();
    const refused = collect(manager, "refused");
    const oldest = await comeToAsk(world);
    const arrived = nextHandshakes(name, 1_023);
    const others = await Promise.all(
      Array.from({ length: 1_023 }, async () => {
        const request = await dial(world, { kind: "manager" });
        await request.join();
        return request;
      }),
    );
    await arrived;
    expect(refused).toEqual([]);
    expect((await ask(world)).id).toBe(1);
    await oldest.gone;
    expect(refused).toMatchObject([
      { code: "IPC_HANDSHAKE_FAILED", message: "client id request dropped: the oldest of 1024 pending requests" },
    ]);
    expect(others.filter(({ stream }) => stream.destroyed)).toEqual([]);
  });
});
