import { type IpcError, type Peer, startClient } from "@ipc/client";
import { type ServerManager, startServerManager } from "@ipc/manager";
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
  /** The unread bytes of the connection that has most. */
  readonly unreadBytes: number;
  readonly messages: number;
  /** How often, by code: connections that never were, and connections that were lost. */
  readonly ends: Readonly<Record<string, number>>;
  readonly status: string;
}

/** A client that is attacked dials again at once, so that many attacks go into little time. */
const RETRY_MS = 1;

/** Starts the peer of ours that is attacked. Resolves with what tells how it is. */
export async function startTarget({ role, directory, wire, keyed, reads }: TargetPlan): Promise<() => TargetReport> {
  const ends: Record<string, number> = {};
  let messages = 0;
  const end = ({ code }: IpcError): void => count(ends, code);
  const attach = (peer: Pick<Peer, "on">): void => {
    peer.on("lost", end);
    if (reads) peer.on("message", () => void messages++);
  };
  const reportOf = (peer: Peer | undefined): TargetReport => {
    const { unreadBytes = 0 } = peer?.stats ?? {};
    return { unreadBytes, messages, ends, status: peer?.status ?? "Connecting" };
  };
  const options = { name: TARGET, directory, ...wireOptions(wire, keyed) };
  switch (role) {
    case "server": {
      const server = await startServer(options);
      server.on("refused", end);
      attach(server);
      return () => reportOf(server);
    }
    case "manager": {
      const manager: ServerManager = await startServerManager(options);
      manager.on("refused", end).on("connection", attach);
      return () => {
        const unread = [...manager.connections.values()].map(({ stats }) => stats.unreadBytes);
        return { unreadBytes: Math.max(0, ...unread), messages, ends, status: manager.status };
      };
    }
    case "client": {
      let client: Peer | undefined;
      // Its server may not be there yet, and may never let it in.
      void startClient({ ...options, retryMs: RETRY_MS }).then((started) => {
        client = started;
        attach(started);
      });
      return () => reportOf(client);
    }
  }
}
