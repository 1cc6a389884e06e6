import { mkdirSync } from "node:fs";
import { type Peer, startClient } from "@ipc/client";
import { startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { type Adapter, BOTH_MANNERS, type Deliver, type Link } from "../adapter.js";
import type { Kind } from "../message-kind.js";
import type { Payload } from "../payload.js";

const NAME = "bench";

/** Above the largest crowd, and the one client beside it that asks for the server's report. */
const MOST_CLIENTS = 20_000;

/** The sender that does not wait for each write has the kernel take over so many bytes at a time, and sends as many meanwhile. */
const WINDOW_BYTES = 262_144;

/** Options of both ends for each of the three ways in which two of ours can talk, for faster round trips, and for sessions that last. */
const MODES = {
  plain: { encryption: false },
  compatible: { security: { wire: "golang-ipc" } },
  secure: {},
  "plain, polling": { encryption: false, busyPollUs: 100 },
  "secure, polling": { busyPollUs: 100 },
  "secure, resume": { resume: true },
} as const;

class OurLink implements Link {
  readonly #peer: Peer;
  #bytes = 0;
  #flushed: Promise<void> | undefined;

  constructor(peer: Peer) {
    this.#peer = peer;
  }

  send(kind: Kind, payload: Payload): Promise<void> | undefined {
    void this.#peer.write(kind, payload);
    this.#bytes += payload.length;
    if (this.#bytes < WINDOW_BYTES) return undefined;
    this.#bytes = 0;
    const before = this.#flushed;
    this.#flushed = this.#peer.flush();
    return before;
  }

  sendAwaited(kind: Kind, payload: Payload): Promise<void> {
    return this.#peer.write(kind, payload);
  }

  pause(): void {
    this.#peer.pause();
  }

  resume(): void {
    this.#peer.resume();
  }

  close(): Promise<void> {
    return this.#peer.close();
  }
}

/** The packages of this workspace, in one of the modes above. */
export function ours(mode: keyof typeof MODES): Adapter {
  const optionsIn = (directory: string) => ({ name: NAME, directory, ...MODES[mode] });
  const take = (peer: Peer, deliver: Deliver): void => {
    peer.on("message", (message) => deliver(message.type, message.data));
  };
  return {
    abilities: { manners: BOTH_MANNERS, clients: true, pause: true },
    isText: false,
    async listen(directory, accept, many) {
      mkdirSync(directory, { recursive: true });
      if (many) {
        const manager = await startServerManager({ ...optionsIn(directory), maxConnections: MOST_CLIENTS });
        manager.on("connection", (connection) => take(connection, accept(new OurLink(connection))));
      } else {
        const server = await startServer(optionsIn(directory));
        take(server, accept(new OurLink(server)));
      }
    },
    async connect(directory, deliver) {
      const client = await startClient({ ...optionsIn(directory), timeoutMs: 60_000 });
      take(client, deliver);
      return new OurLink(client);
    },
  };
}
