import { once } from "node:events";
import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { memory, type Transport } from "@ipc/transport";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { collect, nextEvent } from "../../../internal/testkit/src/peer-watch.js";
import { plainFrame } from "../../../internal/testkit/src/raw-peer.js";
import { ask, comeToAsk, expectFreed, expectListening, REQUEST, readId, start } from "../test/raw-id-requester.js";

describe("an id requester", () => {
  it("gets an id whose slot already listens (golang-ipc: row 31)", async () => {
    const { manager, world } = await start();
    for (const expected of [1, 2, 3]) {
      const { id } = await ask(world);
      expect(id).toBe(expected);
      await expectListening(world, id);
    }
    expect(manager.connections.size).toBe(0);
  });

  it("gets an id when its request arrives in two parts, split at any byte", async () => {
    const { world } = await start();
    for (let cut = 1; cut < REQUEST.length; cut++) {
      const request = await comeToAsk(world);
      request.stream.write(REQUEST.subarray(0, cut));
      request.stream.write(REQUEST.subarray(cut));
      expect(await readId(request)).toBe(cut);
    }
  });

  it("gets an id, and no other answer, when it sends other messages first", async () => {
    const { manager, world } = await start();
    const refused = collect(manager, "refused");
    const request = await comeToAsk(world);
    for (const [type, text] of [
      [1, "hello"],
      [1, "client_id_request"],
      [12, ""],
      [12, "client_id_requesT"],
      [12, "client_id_request "],
      [0, "client_id_request"],
      [4_294_967_295, "x".repeat(100_000)],
    ] as const) {
      request.stream.write(plainFrame(type, text));
    }
    request.stream.write(REQUEST);
    expect(await readId(request)).toBe(1);
    expect(refused).toEqual([]);
    expect(manager.stats).toEqual({ connections: 0, detached: 0, unreadBytes: 0, queuedBytes: 0 });
  });

  it("gets one id when it asks twice", async () => {
    const { world } = await start();
    const request = await comeToAsk(world);
    request.stream.write(Buffer.concat([REQUEST, REQUEST]));
    expect(await readId(request)).toBe(1);
    request.stream.write(REQUEST);
    expect((await ask(world)).id).toBe(2);
    request.stream.end();
    // It would be told before the end.
    await expect(request.read(1)).rejects.toThrow("ended after 0 of 1 bytes");
  });

  it("is disconnected, and reported as refused, when it sends an invalid frame", async () => {
    const { manager, world } = await start();
    const refused = nextEvent(manager, "refused");
    const request = await comeToAsk(world);
    request.write(0, 0, 0, 3, 1, 2, 3);
    expect(await refused).toMatchObject({ code: "IPC_FRAME_TOO_SHORT" });
    await request.gone;
    expect((await ask(world)).id).toBe(1);
  });

  it("causes no 'refused' when it disconnects before its request or after the answer", async () => {
    const { manager, world } = await start();
    const refused = collect(manager, "refused");
    const silent = await comeToAsk(world);
    const { request } = await ask(world);
    for (const raw of [silent, request]) {
      raw.stream.end();
      await raw.gone;
    }
    expect(refused).toEqual([]);
    expect(manager.connections.size).toBe(0);
  });
});

describe("an id requester that disconnects before its answer", () => {
  /** memory(), whose slot 2 listens as soon as the test says so, whatever the signal says. */
  function gatedWorld() {
    let letListen = (): void => {};
    const gate = new Promise<void>((resolve) => {
      letListen = resolve;
    });
    let tellAsked = (): void => {};
    const isAsked = new Promise<void>((resolve) => {
      tellAsked = resolve;
    });
    const inner = memory();
    const accepted: Duplex[] = [];
    const listen: Transport["listen"] = async (whose, endpoint, onStream, { onLost }) => {
      if (endpoint.kind === "slot" && endpoint.id === 2) {
        tellAsked();
        await gate;
      }
      const accept = (stream: Duplex): void => {
        accepted.push(stream);
        onStream(stream);
      };
      return inner.listen(whose, endpoint, accept, onLost === undefined ? {} : { onLost });
    };
    return { world: { ...inner, listen }, letListen, isAsked, accepted };
  }

  it("makes the manager close its slot as soon as that listens; no other requester gets its id", async () => {
    const { world, letListen, isAsked, accepted } = gatedWorld();
    await start(world);
    expect((await ask(world)).id).toBe(1);
    const request = await comeToAsk(world);
    request.stream.write(REQUEST);
    await isAsked;
    request.stream.destroy();
    await once(accepted.at(-1) as Duplex, "close");
    letListen();
    await setImmediate();
    await expectFreed(world, 2);
    expect((await ask(world)).id).toBe(3);
  });

  it("does not delay the close of the manager, which frees its slot", async () => {
    const { world, letListen, isAsked } = gatedWorld();
    const { manager } = await start(world);
    await ask(world);
    const request = await comeToAsk(world);
    request.stream.write(REQUEST);
    await isAsked;
    await manager.close();
    await request.gone;
    letListen();
    await eventually(() => expectFreed(world, 2));
  });
});

describe("a manager without an available slot", () => {
  it.each([
    ["the system's reason", Object.assign(new Error("no more"), { code: "IPC_TRANSPORT_FAILED" }), "no more"],
    ["whatever a transport of the user's throws", new TypeError("broker on holiday"), "broker on holiday"],
    ["even if that is no error", "a string", "a string"],
  ])("disconnects the id requester and reports: %s", async (_what, failure, message) => {
    const inner = memory();
    const world: Transport = {
      ...inner,
      listen: (whose, endpoint, onStream, options) =>
        endpoint.kind === "slot" && endpoint.id > 1
          ? Promise.reject(failure)
          : inner.listen(whose, endpoint, onStream, options),
    };
    const { manager } = await start(world);
    expect((await ask(world)).id).toBe(1);
    const refused = nextEvent(manager, "refused");
    const request = await comeToAsk(world);
    request.stream.write(REQUEST);
    expect(await refused).toMatchObject({
      code: expect.stringMatching(/^IPC_/),
      message: expect.stringContaining(message),
    });
    await request.gone;
    expect(manager.status).toBe("Listening");
  });
});

it("never lets an id requester keep the process alive", async () => {
  const told: string[] = [];
  const inner = memory();
  const world: Transport = {
    ...inner,
    listen: (whose, endpoint, onStream, options) =>
      inner.listen(
        whose,
        endpoint,
        (stream) => onStream(Object.assign(stream, { ref: () => told.push("ref"), unref: () => told.push("unref") })),
        options,
      ),
  };
  const { manager } = await start(world);
  await comeToAsk(world);
  manager.ref();
  expect(new Set(told)).toEqual(new Set(["unref"]));
});
