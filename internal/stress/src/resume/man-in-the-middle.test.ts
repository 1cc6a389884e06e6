import type { Duplex } from "node:stream";
import { type Client, startClient } from "@ipc/client";
import { RecordOpener, RecordSealer } from "@ipc/crypto";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import type { ServerResume } from "@ipc/session/handshake";
import { memoryPair } from "@ipc/transport";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { CutTransport } from "../../../testkit/src/cut-transport.js";
import { eventually } from "../../../testkit/src/eventually.js";
import { untilTestEnds } from "../../../testkit/src/until-test-ends.js";
import { claimOf, impersonate, name, psk, shakeHands, someKey } from "./hostile.js";

type Decide = ServerResume["decide"];
type Request = Parameters<Decide>[0];

interface Scene {
  readonly manager: ServerManager;
  readonly client: Client;
  readonly connection: ServerConnection;
  readonly atManager: readonly string[];
  readonly atClient: readonly string[];
  readonly lost: readonly unknown[];
  /** The server's end of the client's redial, which reaches the attacker. */
  readonly redial: Duplex;
  /** Dials the server. */
  readonly reach: () => Promise<Duplex>;
  /** Lets the client reach its server from now on. */
  readonly release: () => void;
}

/** A client and a server with a pre-shared key. Each keeps a message for the other, and the redial of the client is diverted. */
async function start(): Promise<Scene> {
  const transport = new CutTransport();
  const options = { name, transport, resume: true, security: { psk } };
  const manager = untilTestEnds(await startServerManager(options));
  const client = untilTestEnds(await startClient({ ...options, retryMs: 1 }));
  const [atManager, atClient, lost]: [string[], string[], unknown[]] = [[], [], []];
  manager.on("message", (_connection, message) => void atManager.push(message.text()));
  client.on("message", (message) => void atClient.push(message.text()));
  client.on("lost", (error) => void lost.push(error));
  await eventually(() => expect(manager.connections.size).toBe(1));
  const connection = [...manager.connections.values()][0] as ServerConnection;
  const { diverted, reach, release } = divert(transport);
  transport.cut();
  await eventually(() => expect([client.status, connection.status]).toEqual(["Reconnecting", "Reconnecting"]));
  await Promise.all([client.write(1, "of the client"), connection.write(1, "of the server")]);
  return { manager, client, connection, atManager, atClient, lost, redial: await diverted, reach, release };
}

/** Diverts the next dial, and holds those after it. */
function divert(transport: CutTransport): Pick<Scene, "reach" | "release"> & { readonly diverted: Promise<Duplex> } {
  const { dial } = transport;
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const diverted = new Promise<Duplex>((resolve) => {
    transport.dial = async () => {
      transport.dial = async (...place) => {
        await released;
        return dial(...place);
      };
      const [near, far] = memoryPair();
      resolve(far);
      return near;
    };
  });
  return { diverted, reach: () => dial(name, { kind: "name" }, {}), release };
}

/** Header and data of a RESUME that is alone in its record. */
const isResume = (frame: Uint8Array): boolean => frame.length === 8 + 61 && frame[8] === 5;

/** Sends the RESUME that this process opens next, with its proof, in place of the one that it seals after that. */
function forwardResume(): { readonly forwarded: () => number } {
  const open = Reflect.get(RecordOpener.prototype, "open") as RecordOpener["open"];
  const seal = Reflect.get(RecordSealer.prototype, "seal") as RecordSealer["seal"];
  let taken: Uint8Array | undefined;
  let forwarded = 0;
  const opening = vi.spyOn(RecordOpener.prototype, "open").mockImplementation(function (this: RecordOpener, record) {
    const frame = open.call(this, record);
    if (isResume(frame)) taken ??= Uint8Array.from(frame);
    return frame;
  });
  const sealing = vi.spyOn(RecordSealer.prototype, "seal").mockImplementation(function (
    this: RecordSealer,
    kind,
    parts = [],
  ) {
    if (taken === undefined || forwarded > 0 || !isResume(Buffer.concat(parts))) return seal.call(this, kind, parts);
    forwarded++;
    return seal.call(this, kind, [taken]);
  });
  onTestFinished(() => {
    opening.mockRestore();
    sealing.mockRestore();
  });
  return { forwarded: () => forwarded };
}

async function expectResumed({ client, connection, atManager, atClient, lost }: Scene): Promise<void> {
  await eventually(() => expect([atManager, atClient]).toEqual([["of the client"], ["of the server"]]));
  expect([client.stats.resumes, connection.stats.resumes, connection.status, lost]).toEqual([1, 1, "Connected", []]);
}

describe("another holder of the pre-shared key that the client's redial reaches", () => {
  it("is refused with the client's RESUME and its proof on a connection of its own, and gets no message", async () => {
    const scene = await start();
    const { manager, connection, redial, reach, release } = scene;
    const { forwarded } = forwardResume();
    let request: Request | undefined;
    const ended = impersonate(redial, (seen) => {
      request = seen;
      throw new Error("taken");
    });
    await expect(ended).rejects.toThrow("taken");
    const { id, attempt } = request as unknown as Request;
    const joined = new Promise<ServerConnection>((resolve) => manager.once("connection", resolve));
    const attack = await shakeHands(await reach(), { claim: claimOf(id, someKey(), attempt), hasPsk: true });
    expect([forwarded(), attack.outcome.resume?.answer]).toEqual([1, { how: "refused" }]);
    const own = await joined;
    await own.write(1, "to a client without a session");
    await eventually(() => expect(attack.texts).toEqual(["to a client without a session"]));
    expect([own === connection, connection.status, connection.stats.resumes]).toEqual([false, "Reconnecting", 0]);
    release();
    await expectResumed(scene);
    expect(attack.texts).toHaveLength(1);
  });

  it.each<[string, Decide]>([
    [
      "resumed",
      ({ attempt }) => ({
        answer: { how: "resumed", attempt, received: 0, taken: undefined },
        proved: { key: someKey(), counts: { received: 0, taken: 0 } },
      }),
    ],
    [
      "expired",
      () => ({
        answer: { how: "expired", received: 0, taken: 0 },
        proved: { key: someKey(), counts: { received: 0, taken: 0 } },
      }),
    ],
  ])("gets no kept message when it answers %s, and the server gets it", async (_how, decide) => {
    const scene = await start();
    const waiting: unknown[] = [];
    scene.client.on("waiting", ({ code }) => void waiting.push(code));
    const { stream, texts } = await impersonate(scene.redial, decide);
    await eventually(() => expect(stream.destroyed).toBe(true));
    expect([texts, waiting]).toEqual([[], ["IPC_AUTHENTICATION_FAILED"]]);
    scene.release();
    await expectResumed(scene);
  });

  it.each(["unknown", "refused"] as const)(
    "gets no kept message when it answers %s, and the client is told which did not arrive",
    async (how) => {
      const { client, redial, lost, connection, atManager, atClient } = await start();
      const { texts } = await impersonate(redial, () => ({ answer: { how } }));
      await eventually(() => expect(client.status).toBe("Connected"));
      await client.write(1, "of the next session");
      await eventually(() => expect(texts).toEqual(["of the next session"]));
      const undelivered = [{ type: 1, data: new TextEncoder().encode("of the client") }];
      expect(lost).toMatchObject([{ code: "IPC_SESSION_LOST", undelivered, unconfirmed: 0 }]);
      expect([connection.stats.unacknowledgedMessages, atManager, atClient]).toEqual([1, [], []]);
    },
  );
});
