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
  /** Connects somebody who says what he is told, to a manager without encryption. */
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

/** The event loop's next turn: what was sent in memory by then has arrived after a few of them. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
