import { type IpcError, type Peer, startClient } from "@ipc/client";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { TARGET, type VictimPlan, type VictimReport } from "./victim-orders.js";
import { optionsOf } from "./wire.js";

/** A client that is attacked dials again at once, so that many attacks go into little time. */
const RETRY_MS = 1;

type Figures = Pick<VictimReport, "unreadBytes" | "messages" | "ends" | "status">;

/** The peer of ours that is attacked. */
export class Target {
  readonly #ends: Record<string, number> = {};
  readonly #reads: boolean;
  #messages = 0;
  #peer: Peer | ServerManager | undefined;

  private constructor(reads: boolean) {
    this.#reads = reads;
  }

  static async start({ role, directory, wire, reads }: VictimPlan): Promise<Target> {
    const target = new Target(reads);
    const options = { name: TARGET, directory, ...optionsOf(wire) };
    switch (role) {
      case "server": {
        const server = await startServer(options);
        server.on("refused", (error) => target.#count(error));
        target.#attach(server as Peer);
        break;
      }
      case "manager":
        target.#attachManager(await startServerManager(options));
        break;
      case "client":
        // Its server may not be there yet, and may never let it in.
        void startClient({ ...options, retryMs: RETRY_MS }).then((client) => target.#attach(client));
        break;
    }
    return target;
  }

  report(): Figures {
    const peer = this.#peer;
    const ends = this.#ends;
    if (peer === undefined) return { unreadBytes: 0, messages: 0, ends, status: "Connecting" };
    if (!("connections" in peer)) {
      const { unreadBytes, messagesReceived: messages } = peer.stats;
      return { unreadBytes, messages, ends, status: peer.status };
    }
    const unread = [...peer.connections.values()].map((connection) => connection.stats.unreadBytes);
    return { unreadBytes: Math.max(0, ...unread), messages: this.#messages, ends, status: peer.status };
  }

  #attach(peer: Peer): void {
    this.#peer = peer;
    peer.on("lost", (error) => this.#count(error));
    if (this.#reads) peer.on("message", () => {});
  }

  #attachManager(manager: ServerManager): void {
    this.#peer = manager;
    manager.on("refused", (error) => this.#count(error));
    manager.on("connection", (connection) => this.#attachConnection(connection));
  }

  #attachConnection(connection: ServerConnection): void {
    connection.on("lost", (error) => this.#count(error));
    if (this.#reads) connection.on("message", () => void this.#messages++);
  }

  #count({ code }: IpcError): void {
    this.#ends[code] = (this.#ends[code] ?? 0) + 1;
  }
}
