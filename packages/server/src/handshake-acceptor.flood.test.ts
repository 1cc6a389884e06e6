import { createECDH } from "node:crypto";
import { type IpcError, openSession, type PeerOptions, SessionError } from "@ipc/session";
import { memoryPair } from "@ipc/transport";
import { expect, it } from "vitest";
import { eventually } from "../../../internal/testkit/src/eventually.js";
import { failureOf } from "../../../internal/testkit/src/peer-watch.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { stopClock } from "../../../internal/testkit/src/stopped-clock.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import { type AcceptHandler, HandshakeAcceptor } from "./handshake-acceptor.js";
import { resolveServerOptions } from "./server-options.js";

const security = { psk: new Uint8Array(32).fill(1) };
const PUBLIC_KEY = createECDH("secp384r1").generateKeys();
const DROPPED = { code: "IPC_HANDSHAKE_FAILED", message: expect.stringContaining("no other has advanced less") };

interface Door {
  readonly refused: IpcError[];
  /** Clients whose keys are verified, and that wait for the `authorize` option. */
  readonly authorizing: () => number;
  readonly raw: () => RawPeer;
  readonly honest: (options?: PeerOptions) => Promise<unknown>;
  readonly setBusy: (busy: boolean) => void;
}

/** An acceptor of few handshakes, whose authorize option never answers. `random`: which of equals is dropped, from 0 up. */
function open(maxHandshakes: number, random = 0, resume?: AcceptHandler["resume"]): Door {
  stopClock();
  const refused: IpcError[] = [];
  let authorizing = 0;
  let isBusy = false;
  const options = resolveServerOptions({ name: "orders", security });
  const acceptor = new HandshakeAcceptor({
    ...options,
    keys: options,
    maxHandshakes,
    refused: (error) => refused.push(error),
    random: () => random,
  });
  untilTestEnds({ destroy: () => acceptor.close() });
  const handler: AcceptHandler = {
    address: "memory",
    busy: () => (isBusy ? new SessionError("IPC_SERVER_BUSY", "taken") : undefined),
    authorize: () => {
      authorizing++;
      return new Promise(() => {});
    },
    resume,
    onEstablished: () => {},
  };
  const dial = (): RawPeer["stream"] => {
    const [near, far] = memoryPair();
    acceptor.receive(far, handler);
    return near;
  };
  return {
    refused,
    authorizing: () => authorizing,
    raw: () => new RawPeer(dial()),
    honest: (options = { security }) => failureOf(openSession(dial(), { role: "client", ...options })),
    setBusy: (busy) => {
      isBusy = busy;
    },
  };
}

/** Sends nothing. */
async function silent(door: Door): Promise<RawPeer> {
  const raw = door.raw();
  await raw.read(2);
  return raw;
}

/** Sends its reply, and waits for the server's public key. */
async function replied(door: Door): Promise<RawPeer> {
  const raw = await silent(door);
  raw.write(0);
  await raw.read(97);
  return raw;
}

/** Sends its public key as well, and waits for the server's limits. */
async function keyed(door: Door): Promise<RawPeer> {
  const raw = await replied(door);
  raw.stream.write(PUBLIC_KEY);
  await raw.read(44);
  return raw;
}

const openOnes = (peers: readonly RawPeer[]): boolean[] => peers.map(({ stream }) => !stream.destroyed);

it("drops a connection that has sent nothing, not the older handshakes that have advanced", async () => {
  const door = open(4);
  const peers = [await keyed(door), await replied(door), await silent(door), await keyed(door)];
  const newest = await silent(door);
  await peers[2]?.gone;
  expect(openOnes([...peers, newest])).toEqual([true, true, false, true, true]);
  expect(door.refused).toMatchObject([DROPPED]);
});

it("drops a handshake with a reply before one with a public key, and one with a select no later than that", async () => {
  const door = open(3);
  const selecting = await keyed(door);
  selecting.write(0x81);
  const peers = [selecting, await keyed(door), await replied(door)];
  await keyed(door);
  await peers[2]?.gone;
  expect(openOnes(peers)).toEqual([true, true, false]);
  await silent(door);
  await peers[0]?.gone;
  expect(openOnes(peers)).toEqual([false, true, false]);
});

it.each([
  [0, [false, true, true]],
  [0.5, [true, false, true]],
  [0.99, [true, true, false]],
])("drops a random one among equally advanced handshakes: %d", async (random, left) => {
  const door = open(3, random);
  const peers = [await silent(door), await silent(door), await silent(door)];
  await silent(door);
  await eventually(() => expect(openOnes(peers)).toEqual(left));
});

it("keeps every handshake that has received its AUTH when a thousand unproved clients connect", async () => {
  const door = open(4);
  const honest = [door.honest(), door.honest(), door.honest()];
  await eventually(() => expect(door.authorizing()).toBe(3));
  for (let count = 0; count < 1_000; count++) await silent(door);
  expect(door.refused).toHaveLength(999);
  expect(await Promise.race([...honest, "all three in progress"])).toBe("all three in progress");
});

it("drops the newest connection when every other client has sent its AUTH", async () => {
  const door = open(2);
  void door.honest();
  void door.honest();
  await eventually(() => expect(door.authorizing()).toBe(2));
  const newcomer = door.raw();
  await newcomer.gone;
  expect(door.refused).toMatchObject([
    {
      code: "IPC_HANDSHAKE_FAILED",
      message: "handshake dropped: all 2 in progress have sent their AUTH; the client can dial again",
    },
  ]);
  expect(await door.honest()).toMatchObject({ code: "IPC_HANDSHAKE_FAILED" });
  expect(door.authorizing()).toBe(2);
});

it("drops a client that is being rejected, not a handshake, when both together exceed the limit", async () => {
  const door = open(2);
  const peers = [await silent(door), await replied(door)];
  door.setBusy(true);
  const rejected = [door.raw(), door.raw(), door.raw(), door.raw()];
  await rejected[0]?.gone;
  await rejected[1]?.gone;
  expect(openOnes([...peers, ...rejected])).toEqual([true, true, false, false, true, true]);
});

it("tells the 17th of the clients in a handshake that a full server is busy, and begins one again when another has ended", async () => {
  const decide = (): never => {
    throw new Error("there was no RESUME");
  };
  const door = open(128, 0, { require: false, decide });
  door.setBusy(true);
  const first = await Promise.all(Array.from({ length: 16 }, () => silent(door)));
  const seventeenth = door.raw();
  expect(await seventeenth.read(2)).toEqual(Buffer.of(2, 0xff));
  expect([openOnes(first), door.refused]).toMatchObject([new Array(16).fill(true), [{ code: "IPC_SERVER_BUSY" }]]);
  first[0]?.stream.destroy();
  await eventually(() => expect(door.refused).toHaveLength(2));
  const next = door.raw();
  expect(await next.read(2)).toEqual(Buffer.of(2, 1));
});
