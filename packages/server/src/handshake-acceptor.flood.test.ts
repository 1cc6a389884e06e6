import { createECDH, createSecretKey } from "node:crypto";
import { type IpcError, openSession, type PeerOptions, SessionError } from "@ipc/session";
import { type ClientHandshakeOptions, clientHandshake, type Handshake, runHandshake } from "@ipc/session/handshake";
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
  /** Lets the stopped clock go on. */
  readonly pass: (ms: number) => void;
}

/** An acceptor of few handshakes. `random`: which of equals is dropped, from 0 up. @param own default: `authorize` never answers */
function open(maxHandshakes: number, random = 0, own: Partial<AcceptHandler> = {}): Door {
  const pass = stopClock();
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
    onEstablished: () => {},
    ...own,
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
    pass,
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

const resume: AcceptHandler["resume"] = {
  require: false,
  decide: () => {
    throw new Error("there was no RESUME");
  },
};

it("drops the one of 64 handshakes of a full server that has advanced least, for the 65th", async () => {
  const door = open(128, 0, { resume });
  door.setBusy(true);
  const peers = [await replied(door), await keyed(door), await silent(door)];
  for (let count = 3; count < 64; count++) peers.push(await replied(door));
  const newest = await silent(door);
  await peers[2]?.gone;
  expect(openOnes([...peers, newest])).toEqual([true, true, false, ...new Array(62).fill(true)]);
  expect(door.refused).toMatchObject([DROPPED]);
});

it("lets a client of a full server send its AUTH while strangers take all places again and again", async () => {
  const door = open(128, 0, { resume });
  door.setBusy(true);
  for (let count = 0; count < 64; count++) await silent(door);
  void door.honest();
  await eventually(async () => {
    await silent(door);
    expect(door.authorizing()).toBe(1);
  });
  for (let count = 0; count < 100; count++) await silent(door);
  expect(new Set(door.refused.map(({ code }) => code))).toEqual(new Set(["IPC_HANDSHAKE_FAILED"]));
  expect(door.authorizing()).toBe(1);
});

it("drops no handshake that began while the server was not full for one that begins while it is", async () => {
  const door = open(2, 0, { resume });
  const peers = [await silent(door), await silent(door)];
  door.setBusy(true);
  for (let count = 0; count < 65; count++) await silent(door);
  expect([openOnes(peers), door.refused.length]).toEqual([[true, true], 1]);
});

it("tells a client that a full server is busy while 64 others have sent their AUTH", async () => {
  const door = open(128, 0, { resume });
  door.setBusy(true);
  const honest = Array.from({ length: 64 }, () => door.honest());
  await eventually(() => expect(door.authorizing()).toBe(64));
  door.pass(1_000);
  expect(await door.raw().read(2)).toEqual(Buffer.of(2, 0xff));
  expect(door.refused).toMatchObject([{ code: "IPC_SERVER_BUSY" }]);
  expect(await Promise.race([...honest, "all in progress"])).toBe("all in progress");
});

/** A client that comes back sends its reply, its public key, and its AUTH; then its RESUME. */
const BEFORE_RESUME = 3;

function* untilResume(handshake: Handshake<unknown>): Handshake<void> {
  let sent = 0;
  for (let step = handshake.next(); step.done !== true; step = handshake.next(yield step.value))
    if (step.value.kind === "send" && ++sent > BEFORE_RESUME) return;
}

/** Sends its AUTH, receives the server's, and leaves out the RESUME that it has announced. */
async function owing(door: Door): Promise<RawPeer> {
  const { credentials, limits } = resolveServerOptions({ name: "orders", security });
  const session = { id: new Uint8Array(16), key: createSecretKey(security.psk), counts: { received: 0, taken: 0 } };
  const claim = { session, attempt: 1 } as NonNullable<ClientHandshakeOptions["resume"]>["claim"];
  const options = { name: "orders", encryption: true, credentials, resume: { require: false, claim }, ...limits };
  const raw = door.raw();
  await runHandshake(raw.stream, untilResume(clientHandshake(options)), { timeoutMs: 20_000 });
  raw.stream.resume();
  return raw;
}

it("drops a client of a full server that leaves it waiting for its RESUME for 100 ms, and not before", async () => {
  const door = open(128, 0, { resume, authorize: () => true });
  door.setBusy(true);
  const peers = await Promise.all(Array.from({ length: 64 }, () => owing(door)));
  door.pass(99);
  expect(await door.raw().read(2)).toEqual(Buffer.of(2, 0xff));
  door.pass(1);
  expect(await door.raw().read(2)).toEqual(Buffer.of(2, 1));
  await peers[0]?.gone;
  expect(openOnes(peers)).toEqual([false, ...new Array(63).fill(true)]);
  expect(door.refused).toMatchObject([{ code: "IPC_SERVER_BUSY" }, DROPPED]);
});
