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

/** Where the library says what it does: pino and console fit. Message data and keys are never given to it. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** Makes a logger that throws an uncaught exception of its own, and not a failure of whatever it was told about. */
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

/** The default. */
export const silentLogger: Logger = Object.freeze({ debug: nothing, info: nothing, warn: nothing, error: nothing });

/** @deprecated Use `ConnectionEvent`. */
export type ConnectionNews = ConnectionEvent;
/** @deprecated Use `DisconnectEvent`. */
export type EndNews = DisconnectEvent;
/** @deprecated Use `RefusedEvent`. */
export type RefusalNews = RefusedEvent;
