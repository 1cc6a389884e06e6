import { channel } from "node:diagnostics_channel";
import type { IpcError } from "./errors.js";
import type { ConnectionSecurity } from "./security.js";

/** What is told on `ipc:handshake` and `ipc:connect`. No payload bytes, no keys. */
export interface ConnectionEvent {
  readonly role: "client" | "server";
  readonly name: string;
  /** The client's, where a ServerManager serves it. */
  readonly id?: number;
  readonly remote: string;
  readonly security: ConnectionSecurity;
}

/** What is told on `ipc:refused`. */
export interface RefusedEvent {
  readonly role: "client" | "server";
  readonly name: string;
  /** The client's, where a ServerManager serves it. */
  readonly id?: number;
  readonly remote: string;
  readonly error: IpcError;
}

/** What is told on `ipc:disconnect`, once for each `ipc:connect`. */
export interface DisconnectEvent {
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
export const diagnostics = {
  handshake(news: ConnectionEvent): void {
    if (handshake.hasSubscribers) handshake.publish(news);
  },
  connect(news: ConnectionEvent): void {
    if (connect.hasSubscribers) connect.publish(news);
  },
  disconnect(news: DisconnectEvent): void {
    if (disconnect.hasSubscribers) disconnect.publish(news);
  },
  refused(news: RefusedEvent): void {
    if (refused.hasSubscribers) refused.publish(news);
  },
} as const;
