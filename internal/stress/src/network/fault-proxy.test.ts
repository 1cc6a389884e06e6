import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { RawPeer } from "../../../testkit/src/raw-peer.js";
import type { ConnectionPlan, Fault, Shape } from "./fault-plan.js";
import { FaultProxy } from "./fault-proxy.js";

const AS_THEY_COME: Shape = { kind: "as they come" };
const UNDISTURBED: ConnectionPlan = { shapes: { toServer: AS_THEY_COME, toClient: AS_THEY_COME } };
const BYTES = [1, 2, 3, 4, 5, 6] as const;

function planned(fault: Partial<Fault> & Pick<Fault, "kind">): ConnectionPlan {
  return { ...UNDISTURBED, fault: { direction: "toServer", at: 3, mask: 0xff, side: "server", lingerMs: 1, ...fault } };
}

/** A proxy before a server that does nothing; each connection through it is two raw ends. */
async function listen(
  plans: readonly ConnectionPlan[],
  allowHalfOpen = false,
): Promise<{
  readonly proxy: FaultProxy;
  readonly open: () => Promise<{ readonly near: RawPeer; readonly far: RawPeer }>;
}> {
  const server = createServer({ allowHalfOpen }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const upstream = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  const proxy = await FaultProxy.listen(plans, { host: "127.0.0.1", port: 0 }, upstream);
  onTestFinished(async () => {
    await proxy.close();
    server.close();
  });
  const open = async () => {
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const near = new RawPeer(connect({ host: "127.0.0.1", port: proxy.port }));
    const [socket] = await accepted;
    onTestFinished(() => void [near.stream, socket].map((stream) => stream.destroy()));
    return { near, far: new RawPeer(socket) };
  };
  return { proxy, open };
}

async function bytesLeft(peer: RawPeer): Promise<number[]> {
  await peer.gone;
  const bytes: number[] = [];
  for (;;) {
    try {
      bytes.push(...(await peer.read(1)));
    } catch {
      return bytes;
    }
  }
}

describe("a fault", () => {
  it.each(["cut", "reset"] as const)("%s ends both sides after the planned byte", async (kind) => {
    const { open } = await listen([planned({ kind })]);
    const { near, far } = await open();
    near.write(...BYTES);
    expect(await bytesLeft(far)).toEqual([1, 2, 3]);
    expect(await bytesLeft(near)).toEqual([]);
  });

  it("reset emits ECONNRESET at the client", async () => {
    const { open } = await listen([planned({ kind: "reset" })]);
    const { near } = await open();
    const error = once(near.stream, "error");
    near.write(...BYTES);
    expect(await error).toMatchObject([{ code: "ECONNRESET" }]);
  });

  it("end ends one direction, and the other goes on until the cut", async () => {
    const { proxy, open } = await listen([planned({ kind: "end", lingerMs: undefined })], true);
    const { near, far } = await open();
    const ended = once(far.stream, "end");
    near.write(...BYTES);
    await ended;
    expect([...(await far.read(3))]).toEqual([1, 2, 3]);
    far.write(7, 8);
    expect([...(await near.read(2))]).toEqual([7, 8]);
    proxy.cut();
    await near.gone;
    far.stream.destroy();
  });

  it("dead loses one direction without an end, and the other goes on", async () => {
    const { proxy, open } = await listen([planned({ kind: "dead", lingerMs: undefined })]);
    const { near, far } = await open();
    near.write(...BYTES);
    await proxy.held;
    near.stream.end();
    far.write(7, 8);
    expect([...(await near.read(2))]).toEqual([7, 8]);
    expect(far.stream.readableEnded).toBe(false);
    proxy.cut();
    expect(await bytesLeft(far)).toEqual([1, 2, 3]);
  });

  it.each(["server", "client"] as const)("vanish cuts the %s only, and says nothing to the other", async (side) => {
    const { proxy, open } = await listen([planned({ kind: "vanish", side, lingerMs: undefined })]);
    const { near, far } = await open();
    near.write(...BYTES);
    const [cut, silent] = side === "client" ? [near, far] : [far, near];
    await cut.gone;
    expect([silent.stream.readableEnded, silent.stream.destroyed]).toEqual([false, false]);
    proxy.cut();
    await silent.gone;
  });

  it("freeze lets nothing through in either direction", async () => {
    const { proxy, open } = await listen([planned({ kind: "freeze", lingerMs: undefined })]);
    const { near, far } = await open();
    near.write(...BYTES);
    await proxy.held;
    far.write(7, 8);
    near.write(9);
    proxy.cut();
    expect(await bytesLeft(far)).toEqual([1, 2, 3]);
    expect(await bytesLeft(near)).toEqual([]);
  });

  it("flip alters one byte and no other", async () => {
    const { open } = await listen([planned({ kind: "flip", mask: 0x81, lingerMs: undefined })]);
    const { near, far } = await open();
    near.write(...BYTES);
    expect([...(await far.read(6))]).toEqual([1, 2, 3, 4 ^ 0x81, 5, 6]);
  });

  it("of each kind that lasts ends after its time", async () => {
    for (const kind of ["dead", "vanish", "freeze", "flip", "end"] as const) {
      const { open } = await listen([planned({ kind })]);
      const { near, far } = await open();
      near.write(...BYTES);
      await Promise.all([near.gone, far.gone]);
    }
  });
});

describe("a shape", () => {
  it.each<Shape>([
    AS_THEY_COME,
    { kind: "delay", ms: 1 },
    { kind: "split", bytes: 1, until: 300 },
    { kind: "split", bytes: 3, until: 10_000 },
    { kind: "coalesce", bytes: 2_000, ms: 1 },
    { kind: "coalesce", bytes: 1_000_000, ms: 1 },
    { kind: "throttle", bytes: 1_000 },
    { kind: "pause", at: 1_500, ms: 1 },
    { kind: "pause", at: 0, ms: 1 },
  ])("%j passes every byte on, in both directions, and the end", async (shape) => {
    const { open } = await listen([{ shapes: { toServer: shape, toClient: shape } }]);
    const { near, far } = await open();
    const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, index) => index % 251));
    for (const peer of [near, far]) {
      for (let at = 0; at < bytes.length; at += 700) peer.stream.write(bytes.subarray(at, at + 700));
      peer.stream.end();
    }
    expect(bytes.equals(await far.read(bytes.length))).toBe(true);
    expect(bytes.equals(await near.read(bytes.length))).toBe(true);
    await Promise.all([near.gone, far.gone]);
  });
});

describe("a plan", () => {
  it("applies to each connection until its fault has happened, and then the next plan does", async () => {
    const { proxy, open } = await listen([planned({ kind: "cut" }), planned({ kind: "flip" }), UNDISTURBED]);
    const early = await open();
    early.near.stream.end();
    early.far.stream.end();
    await early.near.gone;
    expect(proxy.fired).toEqual([]);
    for (const _ of ["cut", "flip"]) {
      expect(proxy.isSpent).toBe(false);
      const { near } = await open();
      near.write(...BYTES);
      await near.gone;
    }
    expect(proxy.fired).toEqual(["cut", "flip"]);
    const { near, far } = await open();
    expect([proxy.isSpent, proxy.connections]).toEqual([true, 4]);
    near.write(...BYTES);
    expect([...(await far.read(6))]).toEqual([...BYTES]);
  });

  it("ends the connection of the client when there is no server", async () => {
    const proxy = await FaultProxy.listen([], { host: "127.0.0.1", port: 0 }, { path: "/nowhere/at-all.sock" });
    onTestFinished(() => proxy.close());
    await new RawPeer(connect({ host: "127.0.0.1", port: proxy.port })).gone;
  });
});
