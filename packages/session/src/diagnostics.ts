import { channel } from "node:diagnostics_channel";
import { type IpcError, throwLater } from "./errors.js";
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

/** Published on `ipc:waiting`, after each attempt to connect that failed and will be repeated. */
export interface WaitingEvent {
  readonly role: "client";
  readonly name: string;
  /** The address at which the client expects its server. */
  readonly address: string;
  /** Why the last attempt failed. */
  readonly error: IpcError;
}

/** Published on `ipc:relisted`. */
export interface RelistedEvent {
  readonly role: "server";
  readonly name: string;
  readonly address: string;
}

/** A connection has become silent, or is responsive again. */
export interface SilenceNews {
  readonly change: "silent" | "responsive";
  /** How long nothing arrived, in milliseconds; the time in which this process was busy or did not read is not part of it. */
  readonly silenceMs: number;
  /** Whether the peer was sent PINGs; golang-ipc has none. */
  readonly asked: boolean;
}

/** Published on `ipc:silent` and `ipc:responsive`. */
export interface SilenceEvent extends ConnectionOfRole {
  readonly silenceMs: number;
}

const handshake = channel("ipc:handshake");
const connect = channel("ipc:connect");
const disconnect = channel("ipc:disconnect");
const refused = channel("ipc:refused");
const relisted = channel("ipc:relisted");
const waiting = channel("ipc:waiting");
const silences = { silent: channel("ipc:silent"), responsive: channel("ipc:responsive") } as const;

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
  waiting(news: WaitingEvent): void {
    if (waiting.hasSubscribers) waiting.publish(news);
  },
  silence(change: SilenceNews["change"], news: SilenceEvent): void {
    if (silences[change].hasSubscribers) silences[change].publish(news);
  },
} as const;

/**
 * Receives the library's log lines; pino and console fit. They contain neither message data nor keys, but for the error message of a
 * listener that failed, which may quote a message as that of `JSON.parse` does.
 */
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
        throwLater(error);
      }
    };
  return Object.freeze({ debug: guard("debug"), info: guard("info"), warn: guard("warn"), error: guard("error") });
}

function nothing(): void {}

/** The default logger, which discards every line. */
export const silentLogger: Logger = Object.freeze({ debug: nothing, info: nothing, warn: nothing, error: nothing });

/** Logs and publishes a silence, or its end. */
export function reportSilence(logger: Logger, connection: ConnectionOfRole, news: SilenceNews): void {
  const { role, name, id, remote } = connection;
  const { change, silenceMs, asked } = news;
  const where = `${role} ${name}: ${id === undefined ? "" : `client ${id}, `}${remote}`;
  if (change === "responsive") logger.info(`${where}: responsive again after ${silenceMs} ms of silence`);
  else if (asked) logger.warn(`${where}: silent for ${silenceMs} ms; PINGs were not answered, the peer may be stopped`);
  // Normal for a golang-ipc peer that has nothing to send.
  else logger.debug(`${where}: silent for ${silenceMs} ms; without PINGs, the peer may have had nothing to send`);
  diagnostics.silence(change, { ...connection, silenceMs });
}
