import type { ServerOptions } from "@ipc/server";
import { type ResolvedServerOptions, resolveServerOptions, SERVER_OPTIONS } from "@ipc/server/internal";
import { OptionReader } from "@ipc/session/internal";

const TIB = 1_099_511_627_776;
const KIB = 1_024;
const MIB_256 = 268_435_456;

/** What `startServerManager` takes: a server's options, each for every connection, and what bounds them all together. */
export interface ManagerOptions extends ServerOptions {
  /** Clients connected at once, 1 … 1 000 000; more are told that the server is busy. @default 10_000 */
  readonly maxConnections?: number;
  /**
   * Received and not read, over all connections, in bytes, 1 024 … 2^40. Each may hold as much as is left of it, and never
   * more than `maxUnreadBytes`; past that its writes wait. So those who stand still never use it up.
   * @default 268_435_456
   */
  readonly maxTotalUnreadBytes?: number;
  /**
   * Accepted by `write` and not with the kernel, over all connections, in bytes, 1 024 … 2^40. Each may hold as much as is
   * left of it, and never more than `maxQueuedBytes`; past that writes wait.
   * @default 268_435_456
   */
  readonly maxTotalQueuedBytes?: number;
}

/** ManagerOptions, complete. */
export interface ResolvedManagerOptions extends ResolvedServerOptions {
  readonly maxConnections: number;
  readonly maxTotalUnreadBytes: number;
  readonly maxTotalQueuedBytes: number;
}

/** @throws TypeError, RangeError naming the option, what it takes and what it got */
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
