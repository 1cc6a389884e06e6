import type { ServerOptions } from "@ipc/server";
import { type ResolvedServerOptions, resolveServerOptions, SERVER_OPTIONS } from "@ipc/server/internal";
import { OptionReader } from "@ipc/session/internal";

const TIB = 1_099_511_627_776;
const KIB = 1_024;
const MIB_256 = 268_435_456;

/** Options of `startServerManager`: a server's options for each connection, and limits for all connections together. */
export interface ManagerOptions extends ServerOptions {
  /** Clients connected at once, 1 … 1 000 000; further clients are told that the server is busy. @default 10_000 */
  readonly maxConnections?: number;
  /**
   * Limit of the bytes received and not read, over all connections, 1 024 … 2^40. Each connection may hold as much as is left
   * of it, at most `maxUnreadBytes`; past that the client's writes wait. So connections that are not read never use it up.
   * @default 268_435_456
   */
  readonly maxTotalUnreadBytes?: number;
  /**
   * Limit of the bytes accepted by `write` and not with the kernel, over all connections, 1 024 … 2^40. Each connection may
   * hold as much as is left of it, at most `maxQueuedBytes`; past that writes wait.
   * @default 268_435_456
   */
  readonly maxTotalQueuedBytes?: number;
}

/** ManagerOptions with every default applied. */
export interface ResolvedManagerOptions extends ResolvedServerOptions {
  readonly maxConnections: number;
  readonly maxTotalUnreadBytes: number;
  readonly maxTotalQueuedBytes: number;
}

/** @throws TypeError, RangeError naming the option, its valid values and the value passed */
export function resolveManagerOptions(options: ManagerOptions): ResolvedManagerOptions {
  const reader = new OptionReader<ManagerOptions>("startServerManager", options, [
    ...SERVER_OPTIONS,
    "maxConnections",
    "maxTotalUnreadBytes",
    "maxTotalQueuedBytes",
  ]);
  const bytes = { min: KIB, max: TIB, unit: "bytes" };
  return Object.freeze({
    ...resolveServerOptions(options, reader),
    maxConnections: reader.integer("maxConnections", 10_000, { min: 1, max: 1_000_000, unit: "connections" }),
    maxTotalUnreadBytes: reader.integer("maxTotalUnreadBytes", MIB_256, bytes),
    maxTotalQueuedBytes: reader.integer("maxTotalQueuedBytes", MIB_256, bytes),
  });
}
