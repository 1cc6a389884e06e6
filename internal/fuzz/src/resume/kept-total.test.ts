import { setImmediate as nextMacrotask } from "node:timers/promises";
import { type Client, startClient } from "@ipc/client";
import type { ServerConnection } from "@ipc/manager";
import { TransportError } from "@ipc/transport";
import { expect, it } from "vitest";
import { CutSockets } from "../../../testkit/src/cut-sockets.js";
import { eventually } from "../../../testkit/src/eventually.js";
import { untilTestEnds } from "../../../testkit/src/until-test-ends.js";
import { loadMutant } from "./mutant.js";

/** The limit of all that a manager keeps for its clients: 256 MiB, and in this test 1 MiB. Less than one client may hold by itself. */
const TOTAL_BYTES = 1_048_576;
const CLIENTS = 4;
const MESSAGE_BYTES = 4_096;
const FRAME_BYTES = MESSAGE_BYTES + 8;

interface Side {
  readonly connection: ServerConnection;
  /** The numbers of the messages that its client got. */
  readonly received: number[];
  readonly written: { count: number };
}

function message(number: number): Uint8Array {
  const data = new Uint8Array(MESSAGE_BYTES);
  new DataView(data.buffer).setUint32(0, number);
  return data;
}

/** Writes to a client that is away until a write waits. */
async function fill({ connection, written }: Side): Promise<{ readonly waiting: Promise<void> }> {
  for (;;) {
    const accepted = connection.write(1, message(written.count++));
    const first = await Promise.race([accepted.then(() => "accepted"), nextMacrotask("waits")]);
    if (first === "waits") return { waiting: accepted };
  }
}

const keptBytes = (sides: readonly Side[]): number =>
  sides.reduce((sum, { connection }) => sum + connection.stats.unacknowledgedBytes, 0);

/** A manager with the smaller total, and its clients, over unix sockets. While `isUp` is false, no client connects. */
async function start() {
  const transport = new CutSockets();
  const { dial } = transport;
  const network = { isUp: true };
  transport.dial = async (...place) => {
    if (!network.isUp) throw new TransportError("IPC_NO_SERVER", "the network is down");
    return dial(...place);
  };
  const { startServerManager } = await loadMutant({
    package: "manager",
    code: "MAX_KEPT_BYTES = 268435456",
    instead: `MAX_KEPT_BYTES = ${TOTAL_BYTES}`,
  });
  const options = { name: "total", transport, resume: true };
  const manager = untilTestEnds(await startServerManager(options));
  const sides: Side[] = [];
  const clients: Client[] = [];
  for (let each = 0; each < CLIENTS; each++) {
    const connected = new Promise<ServerConnection>((resolve) => manager.once("connection", resolve));
    const client = untilTestEnds(await startClient({ ...options, retryMs: 1 }));
    const received: number[] = [];
    client.on("message", ({ data }) => void received.push(new DataView(data.buffer, data.byteOffset).getUint32(0)));
    clients.push(client);
    sides.push({ connection: await connected, received, written: { count: 0 } });
  }
  network.isUp = false;
  transport.cut();
  await eventually(() => expect(manager.stats.detached).toBe(CLIENTS));
  return { manager, network, sides };
}

it("keeps less than its total for clients that are away: then writes wait, no session ends, and nothing is lost", async () => {
  const { manager, network, sides } = await start();
  const waiting: Promise<void>[] = [];
  let freeBytes = TOTAL_BYTES;
  for (const side of sides) {
    waiting.push((await fill(side)).waiting);
    // Each may hold what is still free for all, so each gets half of what the ones before it have left.
    const bytes = side.connection.stats.unacknowledgedBytes;
    expect(bytes % FRAME_BYTES).toBe(0);
    expect(bytes).toBeGreaterThanOrEqual(freeBytes / 2);
    expect(bytes).toBeLessThan(freeBytes / 2 + FRAME_BYTES);
    freeBytes -= bytes;
  }
  expect(keptBytes(sides)).toBeLessThan(TOTAL_BYTES);
  expect([manager.stats.detached, manager.stats.connections]).toEqual([CLIENTS, CLIENTS]);

  network.isUp = true;
  await Promise.all(waiting);
  await eventually(() => {
    for (const { received, written } of sides) expect(received).toHaveLength(written.count);
    expect(keptBytes(sides)).toBe(0);
  });
  for (const { received } of sides) expect(received).toEqual(received.map((_number, index) => index));
});

it("tells what waited and what was kept for a client that does not come back, and has their bytes for others", async () => {
  const { sides } = await start();
  const [first, second] = sides as [Side, Side];
  const waited = (await fill(first)).waiting.catch(({ code }: { code: string }) => code);
  const kept = first.written.count - 1;
  await expect(first.connection.close()).rejects.toMatchObject({
    code: "IPC_CLOSE_INCOMPLETE",
    message: expect.stringContaining(`${kept} of ${kept} accepted messages were not received by the peer`),
  });
  expect(await waited).toBe("IPC_CLOSED");
  expect(keptBytes(sides)).toBe(0);
  (await fill(second)).waiting.catch(() => {});
  expect(second.written.count).toBe(first.written.count);
});

it("accepts the writes that wait for clients that are away when another session ends", async () => {
  const { sides } = await start();
  const [first, second] = sides as [Side, Side];
  (await fill(first)).waiting.catch(() => {});
  const { waiting } = await fill(second);
  await expect(first.connection.close()).rejects.toMatchObject({ code: "IPC_CLOSE_INCOMPLETE" });
  await waiting;
  (await fill(second)).waiting.catch(() => {});
  expect(second.written.count).toBe(first.written.count);
});
