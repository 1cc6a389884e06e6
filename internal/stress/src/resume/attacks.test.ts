import { createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { type Client, startClient } from "@ipc/client";
import { type ManagerOptions, type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import {
  type ClientHandshakeOptions,
  clientHandshake,
  type HandshakeOutcome,
  runHandshake,
} from "@ipc/session/handshake";
import { type ResumableSession, ResumeRegistry } from "@ipc/session/internal";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { eventually } from "../../../testkit/src/eventually.js";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.js";
import { untilTestEnds } from "../../../testkit/src/until-test-ends.js";

type Claim = NonNullable<NonNullable<ClientHandshakeOptions["resume"]>["claim"]>;

const name = "target";
const psk = new Uint8Array(32).fill(7);

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

const CREDENTIALS = {
  supportsSecure: true,
  psks: [createSecretKey(psk)],
  identity: undefined,
  trustedPeers: undefined,
  require: true,
};

interface Hostile {
  readonly socket: Socket;
  readonly outcome: HandshakeOutcome;
}

/** Makes a correct handshake with the claim of the test. */
async function shakeHands({ manager }: Scene, claim?: Claim, hasPsk = false): Promise<Hostile> {
  const socket = connect(manager.address).on("error", () => {});
  onTestFinished(() => void socket.destroy());
  const handshake = clientHandshake({
    name,
    address: manager.address,
    encryption: true,
    maxMessageSize: 3_145_728,
    resume: { require: false, claim },
    ...(hasPsk && { credentials: CREDENTIALS }),
  });
  const { result: outcome } = await runHandshake(socket, handshake, { timeoutMs: 20_000 });
  socket.resume();
  return { socket, outcome };
}

/** What a client says of a session that is not its own. */
function claimOf(id: Uint8Array, key: KeyObject, attempt = 1): Claim {
  const session = { id, key, counts: { received: 0, taken: 0 }, isPossible: () => true };
  return { session: session as unknown as Claim["session"], attempt };
}

function keysOf({ outcome }: Hostile): { readonly id: Uint8Array; readonly key: KeyObject } {
  if (outcome.resume === undefined) throw new Error("the server cannot resume");
  return outcome.resume.keys;
}

const someKey = (): KeyObject => createSecretKey(randomBytes(32));

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
    ["a stranger", false],
    ["another holder of its pre-shared key", true],
  ])("is not handed to %s, and its connection stays", async (_attacker, hasPsk) => {
    const scene = await start(hasPsk ? { security: { psk } } : {});
    const { ended } = connectionsOf(scene);
    const victim = await shakeHands(scene, undefined, hasPsk);
    const connection = await firstConnection(scene);
    const attack = await shakeHands(scene, claimOf(keysOf(victim).id, someKey()), hasPsk);
    expect(attack.outcome.resume?.answer).toEqual({ how: "refused" });
    await eventually(() => expect(scene.manager.connections.size).toBe(2));
    expect([connection.status, connection.stats.resumes, victim.socket.destroyed, ended()]).toEqual([
      "Connected",
      0,
      false,
      0,
    ]);
  });

  it("is not handed to its own client under an old attempt, which ends without an answer", async () => {
    const scene = await start();
    const first = await shakeHands(scene);
    const connection = await firstConnection(scene);
    const { id, key } = keysOf(first);
    const second = await shakeHands(scene, claimOf(id, key, 5));
    expect(second.outcome.resume?.answer).toMatchObject({ how: "resumed" });
    for (const attempt of [0, 4, 5])
      await expect(shakeHands(scene, claimOf(id, key, attempt))).rejects.toMatchObject({
        code: "IPC_HANDSHAKE_FAILED",
      });
    expect([connection.status, connection.stats.resumes, second.socket.destroyed]).toEqual(["Connected", 1, false]);
  });
});

describe("a manager under a flood of RESUME", () => {
  it("answers each that it does not know the session, and serves its clients meanwhile", async () => {
    const scene = await start({ maxConnections: 300 });
    scene.manager.on("message", (_connection, message) => message.reply(message.type, message.data));
    const client = await clientOf(scene);
    const echoed: string[] = [];
    client.on("message", (message) => void echoed.push(message.text()));
    const flood = Array.from({ length: 200 }, () => shakeHands(scene, claimOf(randomBytes(16), someKey())));
    for (let each = 0; each < 20; each++) await client.write(1, String(each));
    const answers = (await Promise.all(flood)).map(({ outcome }) => outcome.resume?.answer?.how);
    expect(new Set(answers)).toEqual(new Set(["unknown"]));
    await eventually(() => expect(echoed).toHaveLength(20));
    expect(client.stats).toMatchObject({ resumes: 0, reconnects: 0 });
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
    const honest = await shakeHands(scene, undefined, true);
    const connection = await firstConnection(scene);
    const { ended } = connectionsOf(scene);
    honest.socket.destroy();
    await eventually(() => expect(connection.status).toBe("Reconnecting"));
    await connection.write(1, "kept");
    const registry = adding.mock.contexts[0] as ResumeRegistry;
    const { evicted } = fill(registry, 1_000);
    const strangers = await Promise.all(Array.from({ length: 100 }, () => shakeHands(scene)));
    for (const { socket } of strangers) socket.destroy();
    await eventually(() => expect([registry.detachedSessions, evicted() + ended()]).toEqual([1_024, 1_101 - 1_024]));
    expect([connection.status, connection.stats.unacknowledgedMessages]).toEqual(["Reconnecting", 1]);
    const keys = keysOf(honest);
    const back = await shakeHands(scene, claimOf(keys.id, keys.key), true);
    expect(back.outcome.resume?.answer).toMatchObject({ how: "resumed" });
    await eventually(() => expect(connection.status).toBe("Connected"));
  });
});
