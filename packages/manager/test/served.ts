import type { PeerOptions, Session } from "@ipc/session";
import { memory, type Transport } from "@ipc/transport";
import { openFarClient } from "../../../internal/testkit/src/far-client.js";
import { RawPeer } from "../../../internal/testkit/src/raw-peer.js";
import { untilTestEnds } from "../../../internal/testkit/src/until-test-ends.js";
import type { ManagerOptions } from "../src/manager-options.js";
import type { ServerManagerEvents } from "../src/manager-reader.js";
import type { ServerConnection } from "../src/server-connection.js";
import { type ServerManager, startServerManager } from "../src/server-manager.js";

export const name = "orders";

/** A client, and the manager's end of the same connection. */
export interface Visit {
  readonly client: Session;
  readonly connection: ServerConnection;
}

/** A manager, and ways to reach it. */
export interface Served {
  readonly manager: ServerManager;
  readonly transport: Transport;
  /** Connects a client. */
  readonly visit: (options?: PeerOptions) => Promise<Visit>;
  /** Connects a raw peer, which sends only what the test writes, to a manager without encryption. */
  readonly visitRaw: () => Promise<{ readonly raw: RawPeer; readonly connection: ServerConnection }>;
}

/** Starts a manager in a world of its own; destroyed when the test is over. */
export async function serve(options: Partial<ManagerOptions> = {}): Promise<Served> {
  const { transport = memory() } = options;
  const manager = untilTestEnds(await startServerManager({ name, transport, ...options }));
  return {
    manager,
    transport,
    async visit(ofClient) {
      const connected = nextEvent(manager, "connection");
      const client = await openFarClient(transport, name, { encryption: options.encryption ?? true, ...ofClient });
      return { client, connection: (await connected)[0] };
    },
    async visitRaw() {
      const connected = nextEvent(manager, "connection");
      const raw = new RawPeer(untilTestEnds(await transport.dial(name, { kind: "name" }, {})));
      await raw.join();
      return { raw, connection: (await connected)[0] };
    },
  };
}

/** Resolves with the arguments of the next such event. */
export function nextEvent<K extends keyof ServerManagerEvents>(
  manager: ServerManager,
  event: K,
): Promise<ServerManagerEvents[K]> {
  return new Promise((resolve) => {
    manager.once(event, (...args) => resolve(args));
  });
}

/** Keeps the arguments of every such event from now on. */
export function collect<K extends keyof ServerManagerEvents>(
  manager: ServerManager,
  event: K,
): ServerManagerEvents[K][] {
  const seen: ServerManagerEvents[K][] = [];
  manager.on(event, (...args) => void seen.push(args));
  return seen;
}

/** Waits for the next macrotask; data sent in memory before has arrived after a few of them. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Sends from a client, and waits until it has arrived at the manager. */
export async function send({ client, connection }: Visit, ...texts: string[]): Promise<void> {
  const wanted = connection.stats.messagesReceived + texts.length;
  for (const text of texts) await client.write(1, text);
  while (connection.stats.messagesReceived < wanted) await nextTurn();
}

/** Says whether a wait is over, when everything that follows from what has happened has followed. */
export async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let turn = 0; turn < 10; turn++) await nextTurn();
  return settled;
}

/** Stops reading, and fills whatever lies between, so that the next message to it must wait. */
export async function stall({ raw, connection }: Awaited<ReturnType<Served["visitRaw"]>>): Promise<void> {
  raw.stream.pause();
  // Two fit into the stream's buffers; one stays in the queue.
  for (let count = 0; count < 3; count++) {
    await connection.write(FILLER_TYPE, FILLER);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
  }
}

/** The messages that a stalled client gets after all, but for those that filled what lay between. */
export async function readOn(raw: RawPeer, count: number): Promise<{ type: number; data: Buffer }[]> {
  raw.stream.resume();
  const messages: { type: number; data: Buffer }[] = [];
  while (messages.length < count) {
    const header = await raw.read(8);
    const data = await raw.read(header.readUInt32BE(0) - 4);
    const type = header.readUInt32BE(4);
    if (type !== FILLER_TYPE) messages.push({ type, data });
  }
  return messages;
}

const FILLER_TYPE = 999;
const FILLER = new Uint8Array(60_000);
