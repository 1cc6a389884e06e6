import { type IpcError, type Peer, startClient } from "@ipc/client";
import { type ServerConnection, type ServerManager, startServerManager } from "@ipc/manager";
import { startServer } from "@ipc/server";
import { count } from "../report/figure.js";
import { type Wire, wireOptions } from "../traffic/wire.js";

/** The target of the attack: a server or manager by its clients, a client by its server. */
export const TARGET = "target";
/** An echo server in the same process, for good clients. */
export const BYSTANDER = "bystander";

export type Role = "server" | "manager" | "client";

export interface TargetPlan {
  readonly role: Role;
  readonly directory: string;
  readonly wire: Wire;
  /** Whether it needs a pre-shared key. */
  readonly keyed: boolean;
  /** Whether a listener takes every message; otherwise no message is ever read. */
  readonly reads: boolean;
}

export interface TargetReport {
  /** Of the connection that has most. */
  readonly unreadBytes: number;
  readonly messages: number;
  /** How often, by code: connections that never were, and connections that were lost. */
  readonly ends: Readonly<Record<string, number>>;
  readonly status: string;
}

/** A client that is attacked dials again at once, so that many attacks go into little time. */
const RETRY_MS = 1;

/** The peer of ours that is attacked. */
export class Target {
  readonly #ends: Record<string, number> = {};
  readonly #reads: boolean;
  #messages = 0;
  #peer: Peer | ServerManager | undefined;

  private constructor(reads: boolean) {
    this.#reads = reads;
  }

  static async start({ role, directory, wire, keyed, reads }: TargetPlan): Promise<Target> {
    const target = new Target(reads);
    const options = { name: TARGET, directory, ...wireOptions(wire, keyed) };
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

  report(): TargetReport {
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
    count(this.#ends, code);
  }
}
