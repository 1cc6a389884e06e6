import { setImmediate as nextMacrotask } from "node:timers/promises";
import { type Client, type Peer, startClient } from "@ipc/client";
import { isIpcError, type Server, type SessionLostError, startServer } from "@ipc/server";
import { describe, expect, it } from "vitest";
import { eventually } from "../../../testkit/src/eventually.js";
import { stopClock } from "../../../testkit/src/stopped-clock.js";
import { untilTestEnds } from "../../../testkit/src/until-test-ends.js";
import { FaultyNetwork } from "./faulty-network.js";

/** No close ends by the clock. */
const NEVER_MS = 2_147_483_647;
/** Smaller than what the tests write, so that writes wait. */
const BUFFER_BYTES = 1_024;
/** The length of the record with GOAWAY. */
const GOAWAY_BYTES = 46;

interface Scene {
  readonly network: FaultyNetwork;
  readonly client: Client;
  readonly server: Server;
}

async function start(): Promise<Scene> {
  const network = new FaultyNetwork();
  const resume = { bufferBytes: BUFFER_BYTES };
  const options = { name: "closing", transport: network.transport, resume };
  const server = untilTestEnds(await startServer(options));
  const client = untilTestEnds(await startClient({ ...options, retryMs: 1 }));
  await eventually(() => expect(server.status).toBe("Connected"));
  return { network, client, server };
}

async function turn(turns: number): Promise<void> {
  for (let each = 0; each < turns; each++) await nextMacrotask();
}

interface Outcome {
  /** The number of its writes that were accepted. */
  accepted: number;
  /** Messages that the other side got. */
  arrived: number;
  /** Messages that did not arrive, or may not have, as `lost` tells. */
  lost: number;
  /** The code with which its `close` rejected. */
  code: string | undefined;
}

/** Writes, and closes some turns later. Resolves when every call has settled. */
async function writeAndClose(near: Peer, far: Peer, messages: number, turns: number): Promise<Outcome> {
  const outcome: Outcome = { accepted: 0, arrived: 0, lost: 0, code: undefined };
  far.on("message", () => void outcome.arrived++);
  near.on("lost", (error) => {
    if ("unconfirmed" in error) outcome.lost += error.undelivered.length + error.unconfirmed;
  });
  const writes = Array.from({ length: messages }, () => near.write(1, new Uint8Array(200)));
  for (const write of writes)
    write.then(
      () => void outcome.accepted++,
      () => {},
    );
  await turn(turns);
  await near.close({ timeoutMs: NEVER_MS }).catch((error: unknown) => {
    outcome.code = isIpcError(error) ? error.code : String(error);
  });
  await Promise.allSettled(writes);
  return outcome;
}

/** A side learns from `close` or from `lost` that a message has not arrived, and not if all have. */
const expected = ({ accepted, arrived, lost }: Outcome): string | undefined =>
  accepted === arrived + lost ? undefined : "IPC_CLOSE_INCOMPLETE";

describe("two sides of a session that close at the same time", () => {
  it.each([
    [0, 0],
    [1, 1],
    [1, 0],
    [0, 1],
    [4, 4],
    [20, 20],
    [20, 1],
  ])("settle without a timeout, with %i messages of the client and %i of the server under way", async (out, back) => {
    for (let turns = 0; turns < 8; turns++) {
      const { client, server } = await start();
      const outcomes = await Promise.all([
        writeAndClose(client as Peer, server as Peer, out, turns % 3),
        writeAndClose(server as Peer, client as Peer, back, turns),
      ]);
      expect([turns, ...outcomes.map(({ code }) => code)]).toEqual([turns, ...outcomes.map(expected)]);
    }
  });
});

it("a side that writes and closes at once, to one that closes already, learns that nothing has arrived", async () => {
  // No acknowledgement becomes due, so the client waits for one, and has told that it closes.
  stopClock();
  const { client, server } = await start();
  await client.write(1, "kept");
  const closed = client.close({ timeoutMs: NEVER_MS });
  await turn(20);
  const outcome = await writeAndClose(server as Peer, client as Peer, 20, 0);
  expect(outcome).toEqual({ accepted: expect.any(Number), arrived: 0, lost: 0, code: "IPC_CLOSE_INCOMPLETE" });
  expect(outcome.accepted).toBeGreaterThan(0);
  await closed;
});

describe("a side that closes, and waits until the other one has received everything", () => {
  it.each(["client", "server"] as const)(
    "has told at once that it receives nothing more, if it is the %s",
    async (side) => {
      // No acknowledgement becomes due.
      stopClock();
      const { network, ...peers } = await start();
      const near = peers[side] as Peer;
      const far = (side === "client" ? peers.server : peers.client) as Peer;
      const losses: SessionLostError[] = [];
      far.on("lost", (error) => void losses.push(error as SessionLostError));
      await near.write(1, "kept");
      const closed = near.close({ timeoutMs: NEVER_MS });
      for (let each = 0; each < 3; each++) await far.write(1, "late");
      await turn(20);
      network.down();
      await expect(closed).rejects.toMatchObject({ code: "IPC_CLOSE_INCOMPLETE" });
      await eventually(() => expect(losses).toHaveLength(1));
      expect([losses[0]?.undelivered.length, losses[0]?.unconfirmed]).toEqual([3, 0]);
    },
  );
});

/** Lets the client take one message, which it has not acknowledged when this returns. */
async function takeOne({ client, server }: Scene): Promise<void> {
  const taken = new Promise((resolve) => client.on("message", resolve));
  await server.write(1, "a");
  await taken;
}

describe("a client that closes when it has taken everything", () => {
  it("lets its server close right after it", async () => {
    const scene = await start();
    await takeOne(scene);
    await scene.client.close();
    await scene.server.close();
  });

  it("has told its counts, and its server waits for it no more, when it is cut behind its announcement", async () => {
    const scene = await start();
    const { client, server, network } = scene;
    await takeOne(scene);
    const lost: unknown[] = [];
    server.on("lost", (error) => lost.push(error));
    network.fail({ kind: "cut", direction: "toServer", bytes: GOAWAY_BYTES }, false);
    await client.close().catch(() => {});
    await eventually(() => expect(server.status).toBe("Disconnected"));
    expect(lost).toEqual([]);
    await server.close();
  });
});
