import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { type Client, type ClientOptions, startClient } from "@ipc/client";
import {
  type ManagerOptions,
  type ManagerStats,
  type ServerConnection,
  type ServerManager,
  startServerManager,
} from "@ipc/manager";
import { type ResumableSession, ResumeRegistry } from "@ipc/session/internal";
import { memory } from "@ipc/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { CutTransport } from "../../../testkit/src/cut-transport.js";
import { eventually } from "../../../testkit/src/eventually.js";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../testkit/src/until-test-ends.js";
import { type Claim, claimOf, type Hostile, keysOf, name, psk, shakeHands, someKey } from "./hostile.js";

interface Scene {
  readonly manager: ServerManager;
  readonly directory: string;
}

async function start(options: Partial<ManagerOptions> = {}): Promise<Scene> {
  const directory = temporaryDirectory();
  return { manager: untilTestEnds(await startServerManager({ name, directory, resume: true, ...options })), directory };
}

const clientOf = async ({ directory }: Scene, options: object = {}): Promise<Client> =>
  untilTestEnds(await startClient({ name, directory, resume: true, retryMs: 1, ...options }));

/** Comes to a manager with the claim of the test. */
function attack({ manager }: Scene, claim?: Claim, hasPsk = false): Promise<Hostile> {
  const socket = connect(manager.address).on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return shakeHands(socket, { claim, hasPsk });
}

function connectionsOf({ manager }: Scene): { readonly ended: () => number } {
  let ended = 0;
  manager.on("disconnection", () => ended++);
  return { ended: () => ended };
}

async function firstConnection({ manager }: Scene): Promise<ServerConnection> {
  await eventually(() => expect(manager.connections.size).toBe(1));
  return [...manager.connections.values()][0] as ServerConnection;
}

describe("a session of which an attacker knows the id", () => {
  it.each([
    ["a stranger", "is connected", false, false],
    ["a stranger", "is away", false, true],
    ["another holder of its pre-shared key", "is connected", true, false],
    ["another holder of its pre-shared key", "is away", true, true],
  ])("is not handed to %s while its client %s, nor a message of it", async (_attacker, _where, hasPsk, isAway) => {
    const scene = await start(hasPsk ? { security: { psk } } : {});
    const { ended } = connectionsOf(scene);
    const victim = await attack(scene, undefined, hasPsk);
    const connection = await firstConnection(scene);
    if (isAway) {
      victim.stream.destroy();
      await eventually(() => expect(connection.status).toBe("Reconnecting"));
    }
    await connection.write(1, "secret");
    const { id, key } = keysOf(victim);
    const hostile = await attack(scene, claimOf(id, someKey()), hasPsk);
    expect(hostile.outcome.resume?.answer).toEqual({ how: "refused" });
    await eventually(() => expect(scene.manager.connections.size).toBe(2));
    await scene.manager.broadcast(1, "to all");
    await eventually(() => expect(hostile.texts).toEqual(["to all"]));
    expect([connection.status, connection.stats.resumes, ended()]).toEqual([
      isAway ? "Reconnecting" : "Connected",
      0,
      0,
    ]);
    const owner = isAway ? await attack(scene, claimOf(id, key), hasPsk) : victim;
    await eventually(() => expect(owner.texts).toEqual(["secret", "to all"]));
    expect([owner.stream.destroyed, hostile.texts]).toEqual([false, ["to all"]]);
  });

  it("is not handed to its own client under an old attempt, which ends without an answer", async () => {
    const scene = await start();
    const first = await attack(scene);
    const connection = await firstConnection(scene);
    const { id, key } = keysOf(first);
    const second = await attack(scene, claimOf(id, key, 5));
    expect(second.outcome.resume?.answer).toMatchObject({ how: "resumed" });
    for (const attempt of [0, 4, 5])
      await expect(attack(scene, claimOf(id, key, attempt))).rejects.toMatchObject({
        code: "IPC_HANDSHAKE_FAILED",
      });
    expect([connection.status, connection.stats.resumes, second.stream.destroyed]).toEqual(["Connected", 1, false]);
  });
});

interface Exchanging {
  readonly client: Client;
  /** All that has come back, oldest first. */
  readonly echoed: readonly string[];
  /** Sends the next number, and waits until it is back. */
  readonly exchange: () => Promise<void>;
}

/** A client that counts to a manager that echoes. */
async function exchanging(options: ClientOptions): Promise<Exchanging> {
  const client = untilTestEnds(await startClient(options));
  const echoed: string[] = [];
  client.on("message", (message) => void echoed.push(message.text()));
  let sent = 0;
  const exchange = async (): Promise<void> => {
    await client.write(1, String(sent++));
    await eventually(() => expect(echoed).toHaveLength(sent));
  };
  return { client, echoed, exchange };
}

async function times(count: number, work: () => Promise<void>): Promise<void> {
  for (let each = 0; each < count; each++) await work();
}

describe("a manager under a flood of RESUME", () => {
  it("answers each that it does not know the session, and serves its clients meanwhile", async () => {
    const scene = await start({ maxConnections: 300 });
    scene.manager.on("message", (_connection, message) => message.reply(message.type, message.data));
    const client = await clientOf(scene);
    const echoed: string[] = [];
    client.on("message", (message) => void echoed.push(message.text()));
    const flood = Array.from({ length: 200 }, () => attack(scene, claimOf(randomBytes(16), someKey())));
    for (let each = 0; each < 20; each++) await client.write(1, String(each));
    const answers = (await Promise.all(flood)).map(({ outcome }) => outcome.resume?.answer?.how);
    expect(new Set(answers)).toEqual(new Set(["unknown"]));
    await eventually(() => expect(echoed).toHaveLength(20));
    expect(client.stats).toMatchObject({ resumes: 0, reconnects: 0 });
  });

  it("keeps nothing, when full, of attackers that dial again once refused; meanwhile a client goes on, and one that was cut comes back", async () => {
    const inner = { ...memory() };
    const dial = vi.spyOn(inner, "dial");
    const common = { name, resume: true, security: { psk } };
    const manager = untilTestEnds(await startServerManager({ ...common, transport: inner, maxConnections: 3 }));
    const refused: string[] = [];
    manager.on("refused", ({ code }) => void refused.push(code));
    manager.on("message", (connection, message) => connection.write(message.type, message.data));
    const scene = { manager, directory: "" };
    const { ended } = connectionsOf(scene);
    const dialed = (): Promise<Duplex> => inner.dial(name, { kind: "name" }, {});
    const victim = await shakeHands(await dialed(), { hasPsk: true });
    const { id, key } = keysOf(victim);
    const connection = await firstConnection(scene);
    const transport = new CutTransport(inner);
    const leaving = await exchanging({ ...common, transport, retryMs: 1 });
    const staying = await exchanging({ ...common, transport: inner });
    await eventually(() => expect(manager.connections.size).toBe(3));
    const before = [...manager.connections.values()];
    const attackers: readonly { readonly hasPsk: boolean; readonly claim: () => Claim; readonly answer: string }[] = [
      { hasPsk: true, claim: () => claimOf(id, someKey(), 4_294_967_295), answer: "refused" },
      { hasPsk: true, claim: () => claimOf(randomBytes(16), someKey()), answer: "unknown" },
      { hasPsk: false, claim: () => claimOf(id, someKey(), 4_294_967_295), answer: "IPC_SECURITY_REFUSED" },
    ];
    const answers = attackers.map((): (string | undefined)[] => []);
    const unbounded: ManagerStats[] = [];
    const texts: string[] = [];
    const streams = new Set<Duplex>();
    let isOver = false;
    const flood = Array.from({ length: 45 }, async (_, each) => {
      const kind = each % attackers.length;
      const { hasPsk, claim } = attackers[kind] as (typeof attackers)[number];
      for (let attempts = 0; attempts < 5 || !isOver; attempts++) {
        const stream = (await dialed()).on("error", () => {});
        streams.add(stream.once("close", () => streams.delete(stream)));
        const shaken = shakeHands(stream, { claim: claim(), hasPsk });
        const answer = await shaken.then(
          async (hostile) => {
            await eventually(() => expect(stream.destroyed).toBe(true));
            texts.push(...hostile.texts);
            return hostile.outcome.resume?.answer?.how;
          },
          ({ code }) => code,
        );
        answers[kind]?.push(answer);
        const { stats } = manager;
        const { connections, detached, unreadBytes, queuedBytes } = stats;
        if (connections > 3 || detached > 1 || unreadBytes > 1_024 || queuedBytes > 1_024) unbounded.push(stats);
      }
    });
    transport.halfOpen();
    try {
      await Promise.all([times(20, staying.exchange), times(20, leaving.exchange)]);
    } finally {
      isOver = true;
      await Promise.all(flood);
    }
    expect(answers.map((each) => [...new Set(each)])).toEqual(attackers.map(({ answer }) => [answer]));
    const sent = Array.from({ length: 20 }, (_, each) => String(each));
    expect([leaving.echoed, staying.echoed, texts, unbounded]).toEqual([sent, sent, [], []]);
    // Every connection but the first of each client, and the one with which a client came back.
    await eventually(() => expect([streams.size, refused.length]).toEqual([0, dial.mock.calls.length - 3 - 1]));
    const nothing = { detached: 0, unreadBytes: 0, queuedBytes: 0 };
    await eventually(() => expect(manager.stats).toEqual({ connections: 3, ...nothing }));
    expect([[...manager.connections.values()], ended()]).toEqual([before, 0]);
    expect([leaving.client.stats.resumes, staying.client.stats.resumes]).toEqual([1, 0]);
    expect(new Set(refused)).toEqual(new Set(["IPC_SERVER_BUSY", "IPC_SECURITY_REFUSED"]));
    expect([connection.status, connection.stats.resumes, victim.stream.destroyed]).toEqual(["Connected", 0, false]);
    const back = await shakeHands(await dialed(), { claim: claimOf(id, key), hasPsk: true });
    expect(back.outcome.resume?.answer).toMatchObject({ how: "resumed" });
  });
});

describe("a full manager under silent strangers", () => {
  it.each([
    ["stay", false],
    ["dial again once dropped", true],
  ])("lets a client back in place of its half-open connection while they %s", async (_how, dialsAgain) => {
    const inner = memory();
    const common = { name, resume: true, security: { psk } };
    const manager = untilTestEnds(await startServerManager({ ...common, transport: inner, maxConnections: 1 }));
    const refused: string[] = [];
    manager.on("refused", ({ code }) => void refused.push(code));
    manager.on("message", (connection, message) => connection.write(message.type, message.data));
    const transport = new CutTransport(inner);
    const { client, exchange } = await exchanging({ ...common, transport, retryMs: 1 });
    const streams = new Set<Duplex>();
    let isOver = false;
    const stranger = async (): Promise<void> => {
      const stream = (await inner.dial(name, { kind: "name" }, {})).on("error", () => {}).resume();
      streams.add(stream);
      stream.once("close", () => {
        streams.delete(stream);
        if (dialsAgain && !isOver) void stranger();
      });
    };
    onTestFinished(() => {
      isOver = true;
      for (const stream of streams) stream.destroy();
    });
    await Promise.all(Array.from({ length: 128 }, stranger));
    transport.halfOpen();
    await times(20, exchange);
    expect([client.stats.resumes, new Set(refused)]).toEqual([1, new Set(["IPC_HANDSHAKE_FAILED"])]);
    expect(streams.size).toBeGreaterThan(0);
  });
});

/** Lets so many strangers have been here and left, without the handshakes of each, which would take seconds. */
function fill(registry: ResumeRegistry, strangers: number): { readonly evicted: () => number } {
  let evicted = 0;
  for (let each = 0; each < strangers; each++) {
    const evict = (): void => {
      evicted++;
      registry.remove(session);
    };
    const security = { mode: "secure", peer: { psk: false } };
    const session = { id: randomBytes(16), security, owner: { evict } } as unknown as ResumableSession;
    registry.add(session);
    registry.detached(session);
  }
  return { evicted: () => evicted };
}

describe("1 100 strangers that come and go", () => {
  it("push out no session of a client that has proved the pre-shared key and is away", async () => {
    const adding = vi.spyOn(ResumeRegistry.prototype, "add");
    onTestFinished(() => adding.mockRestore());
    const scene = await start({ security: { psk, require: false }, maxConnections: 2_000 });
    const honest = await attack(scene, undefined, true);
    const connection = await firstConnection(scene);
    const { ended } = connectionsOf(scene);
    honest.stream.destroy();
    await eventually(() => expect(connection.status).toBe("Reconnecting"));
    await connection.write(1, "kept");
    const registry = adding.mock.contexts[0] as ResumeRegistry;
    const { evicted } = fill(registry, 1_000);
    const strangers = await Promise.all(Array.from({ length: 100 }, () => attack(scene)));
    for (const { stream } of strangers) stream.destroy();
    await eventually(() => expect([registry.detachedSessions, evicted() + ended()]).toEqual([1_024, 1_101 - 1_024]));
    expect([connection.status, connection.stats.unacknowledgedMessages]).toEqual(["Reconnecting", 1]);
    const keys = keysOf(honest);
    const back = await attack(scene, claimOf(keys.id, keys.key), true);
    expect(back.outcome.resume?.answer).toMatchObject({ how: "resumed" });
    await eventually(() => expect(connection.status).toBe("Connected"));
  });
});
