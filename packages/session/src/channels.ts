import { channel } from "node:diagnostics_channel";
import type { IpcError } from "./errors.js";
import type { ConnectionSecurity } from "./peer.js";

/** What is told on `ipc:handshake` and `ipc:connect`. No payload bytes, no keys. */
export interface ConnectionNews {
  readonly role: "client" | "server";
  readonly name: string;
  /** The client's, where a ServerManager serves it. */
  readonly id?: number;
  readonly remote: string;
  readonly security: ConnectionSecurity;
}

/** What is told on `ipc:refused`. */
export interface RefusalNews {
  readonly role: "client" | "server";
  readonly name: string;
  /** The client's, where a ServerManager serves it. */
  readonly id?: number;
  readonly remote: string;
  readonly error: IpcError;
}

/** What is told on `ipc:disconnect`, once for each `ipc:connect`. */
export interface EndNews {
  readonly role: "client" | "server";
  readonly name: string;
  /** The client's, where a ServerManager serves it. */
  readonly id?: number;
  readonly remote: string;
  /** Undefined where this side ended it. */
  readonly error: IpcError | undefined;
}

const handshake = channel("ipc:handshake");
const connect = channel("ipc:connect");
const disconnect = channel("ipc:disconnect");
const refused = channel("ipc:refused");

/** Tells `node:diagnostics_channel` subscribers; costs nothing without one. */
export const channels = {
  handshake(news: ConnectionNews): void {
    if (handshake.hasSubscribers) handshake.publish(news);
  },
  connect(news: ConnectionNews): void {
    if (connect.hasSubscribers) connect.publish(news);
  },
  disconnect(news: EndNews): void {
    if (disconnect.hasSubscribers) disconnect.publish(news);
  },
  refused(news: RefusalNews): void {
    if (refused.hasSubscribers) refused.publish(news);
  },
} as const;
