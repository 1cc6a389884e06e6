import { method } from "@ipc/rpc";

/** The calls of a server. */
export const orders = {
  /** May be repeated. */
  price: method<string, string>({ idempotent: true }),
  /** May not: the server notes that it runs. */
  pay: method<string, string>(),
};

export interface MachineStart {
  readonly role: "server" | "client";
  readonly id: string;
  readonly servers: string | readonly string[];
  /** In hexadecimal digits. */
  readonly psk: string;
  /** The file of what it has taken, a line each. */
  readonly log: string;
  readonly resume?: object;
  /** The kind of messages that a server answers. @default messages */
  readonly answers?: "calls";
  readonly transport?: object;
  /** Options of `connect()` of nats.js. */
  readonly connection?: object;
}

/** A line that a machine has printed. */
export interface News {
  readonly what: "ready" | "connection" | "disconnection" | "status" | "lost" | "echoed" | "over";
  readonly code?: string | undefined;
  readonly status?: string;
  readonly undelivered?: readonly number[];
  readonly unconfirmed?: number;
  readonly written?: number;
  readonly rejected?: readonly number[];
}
