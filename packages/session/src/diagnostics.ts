import { channel } from "node:diagnostics_channel";
import type { IpcError } from "./errors.js";
import type { ConnectionSecurity } from "./security.js";

/** A connection of a client or a server. */
interface ConnectionOfRole {
  readonly role: "client" | "server";
  readonly name: string;
  /** The client's id, if a ServerManager serves it. */
  readonly id?: number;
  readonly remote: string;
}

/** Published on `ipc:handshake` and `ipc:connect`. Contains no payload bytes and no keys. */
export interface ConnectionEvent extends ConnectionOfRole {
  readonly security: ConnectionSecurity;
}

/** Published on `ipc:refused`. */
export interface RefusedEvent extends ConnectionOfRole {
  readonly error: IpcError;
}

/** Published on `ipc:disconnect`, once for each `ipc:connect`. */
export interface DisconnectEvent extends ConnectionOfRole {
  /** Undefined if this side ended the connection. */
  readonly error: IpcError | undefined;
}

/** Published on `ipc:relisted`. */
export interface RelistedEvent {
  readonly role: "server";
  readonly name: string;
  readonly address: string;
}

const handshake = channel("ipc:handshake");
const connect = channel("ipc:connect");
const disconnect = channel("ipc:disconnect");
const refused = channel("ipc:refused");
const relisted = channel("ipc:relisted");

/** Publishes events to `node:diagnostics_channel`; costs nothing without subscribers. */
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
  relisted(news: RelistedEvent): void {
    if (relisted.hasSubscribers) relisted.publish(news);
  },
} as const;

/** Receives the library's log lines, which never contain message data or keys; pino and console fit. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Wraps a logger so that its exceptions become uncaught exceptions instead of failing the caller. */
export function isolateLogger(logger: Logger): Logger {
  const guard =
    (level: keyof Logger) =>
    (message: string): void => {
      try {
        logger[level](message);
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    };
  return Object.freeze({ debug: guard("debug"), info: guard("info"), warn: guard("warn"), error: guard("error") });
}

function nothing(): void {}

/** The default logger, which discards every line. */
export const silentLogger: Logger = Object.freeze({ debug: nothing, info: nothing, warn: nothing, error: nothing });

/** @deprecated Use `ConnectionEvent`. */
export type ConnectionNews = ConnectionEvent;
/** @deprecated Use `DisconnectEvent`. */
export type EndNews = DisconnectEvent;
/** @deprecated Use `RefusedEvent`. */
export type RefusalNews = RefusedEvent;
