import { isolateLogger, type Logger, silentLogger } from "../diagnostics.js";
import type { Credentials } from "../negotiation/credentials.js";
import type { ConnectionSecurity } from "../security.js";
import { ANONYMOUS_SECURITY, COMPATIBLE_SECURITY, PLAIN_SECURITY } from "../security.js";
import type { OptionReader } from "./option-reader.js";
import { resolveSecurity, type SecurityOptions } from "./security-options.js";

const KIB = 1_024;
const MIB = 1_048_576;
const GIB = 1_073_741_824;

/** 3 MiB. @see golang-ipc vars.go, `MAX_MSG_SIZE` */
const DEFAULT_MAX_MESSAGE_SIZE = 3_145_728;

/** Options of clients, servers and sessions. */
export interface PeerOptions {
  /**
   * Whether messages are encrypted (ECDH P-384, AES-256-GCM). The server decides: a client with `true` rejects a server without
   * encryption, a client with `false` follows the server.
   * @default true
   */
  readonly encryption?: boolean;
  /**
   * Maximum data size of one message, in bytes, 1 024 … 1 073 741 824. A server's limit applies to both directions; a client's
   * applies to what it receives.
   * @default 3_145_728
   */
  readonly maxMessageSize?: number;
  /** Bytes accepted and not yet with the kernel, 1 024 … 1 073 741 824; above it, writes wait. @default 1_048_576 */
  readonly maxQueuedBytes?: number;
  /** Bytes received and not yet read, 1 024 … 1 073 741 824; above it, the peer's writes wait. @default 1_048_576 */
  readonly maxUnreadBytes?: number;
  /**
   * How long the event loop polls instead of sleeping after this peer has sent something, in microseconds, 0 … 1 000. If the
   * answer usually arrives within that time, round trips are faster, at the cost of one busy processor core on each side that
   * sets it. @default 0, never
   */
  readonly busyPollUs?: number;
  /**
   * After how long without a byte from the peer this side sends a PING, which an @ipc peer answers, in milliseconds; 0: never. After
   * three PINGs without an answer the event `silent` comes. 0 … 2 147 483 647; the same on both sides.
   * @default 15_000
   */
  readonly heartbeatMs?: number;
  /**
   * After how long without a byte from the peer the connection ends with IPC_CONNECTION_LOST, in milliseconds, at least
   * 2 × `heartbeatMs`, … 2 147 483 647; 0: never. A golang-ipc peer answers no PINGs, so this ends its connection if it sends nothing.
   * @default 0
   */
  readonly idleTimeoutMs?: number;
  /** How both sides authenticate. @default a secure session without keys: encrypted, with both sides anonymous */
  readonly security?: SecurityOptions;
  /** Maximum duration of a handshake, in milliseconds, 1 … 2 147 483 647. @default 5_000 */
  readonly handshakeTimeoutMs?: number;
  /** Aborts the start; after it, destroys the peer. */
  readonly signal?: AbortSignal;
  /** Receives log lines; see `Logger`. @default silent */
  readonly logger?: Logger;
}

/** The names of PeerOptions, for rejecting unknown ones. */
export const PEER_OPTIONS: readonly (keyof PeerOptions)[] = [
  "encryption",
  "maxMessageSize",
  "maxQueuedBytes",
  "maxUnreadBytes",
  "busyPollUs",
  "heartbeatMs",
  "idleTimeoutMs",
  "security",
  "handshakeTimeoutMs",
  "signal",
  "logger",
];

/** Resolved limits of a peer. */
export interface PeerLimits {
  /** Maximum data size of one received message, in bytes. */
  readonly maxMessageSize: number;
  readonly maxQueuedBytes: number;
  readonly maxUnreadBytes: number;
  /** How long the event loop polls instead of sleeping after a send, in microseconds. */
  readonly busyPollUs: number;
  readonly heartbeatMs: number;
  readonly idleTimeoutMs: number;
}

/** Resolved PeerOptions. */
export interface ResolvedPeerOptions {
  readonly encryption: boolean;
  readonly limits: PeerLimits;
  readonly handshakeTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly logger: Logger;
  readonly credentials: Credentials;
  /** Source of one more pre-shared key. True: a private file at its default path. A string: its path. False: none. */
  readonly keyFile: boolean | string;
  /** The value of `peer.security` before the first connection. */
  readonly security: ConnectionSecurity;
}

/** Validates options and adds defaults. @throws TypeError, RangeError naming the option, what it takes and what it got */
export function resolvePeerOptions(options: OptionReader<PeerOptions>, role: "client" | "server"): ResolvedPeerOptions {
  const encryption = options.boolean("encryption", true);
  const { credentials, keyFile } = resolveSecurity(options.where, role, options.value("security"), encryption);
  const logger = options.methods<Logger>("logger", ["debug", "info", "warn", "error"]);
  const bytes = { min: KIB, max: GIB, unit: "bytes" };
  return Object.freeze({
    encryption,
    limits: Object.freeze({
      maxMessageSize: options.integer("maxMessageSize", DEFAULT_MAX_MESSAGE_SIZE, bytes),
      maxQueuedBytes: options.integer("maxQueuedBytes", MIB, bytes),
      maxUnreadBytes: options.integer("maxUnreadBytes", MIB, bytes),
      busyPollUs: options.integer("busyPollUs", 0, { min: 0, max: 1_000, unit: "microseconds" }),
      ...resolveHeartbeat(options),
    }),
    handshakeTimeoutMs: options.milliseconds("handshakeTimeoutMs", 5_000, 1),
    signal: options.signal("signal"),
    logger: logger === undefined ? silentLogger : isolateLogger(logger),
    credentials,
    keyFile,
    security: securityWanted(encryption, credentials),
  });
}

/** An idle time that leaves no time for the answer to a PING would end the connections of healthy peers. */
function resolveHeartbeat(options: OptionReader<PeerOptions>): { heartbeatMs: number; idleTimeoutMs: number } {
  const heartbeatMs = options.milliseconds("heartbeatMs", 15_000);
  const idleTimeoutMs = options.milliseconds("idleTimeoutMs", 0);
  if (idleTimeoutMs === 0 || idleTimeoutMs >= 2 * heartbeatMs) return { heartbeatMs, idleTimeoutMs };
  throw new RangeError(
    `${options.where}: \`idleTimeoutMs\` takes 0, or at least 2 × \`heartbeatMs\` (${heartbeatMs}), got ${idleTimeoutMs}; lower \`heartbeatMs\`, or set it to 0 to end each connection on which the peer sends nothing for so long`,
  );
}

function securityWanted(encryption: boolean, { supportsSecure }: Credentials): ConnectionSecurity {
  if (!encryption) return PLAIN_SECURITY;
  return supportsSecure ? ANONYMOUS_SECURITY : COMPATIBLE_SECURITY;
}
