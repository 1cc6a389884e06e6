import { isolateLogger, type Logger, silentLogger } from "../diagnostics.js";
import type { Credentials } from "../handshake/credentials.js";
import type { ConnectionSecurity } from "../security.js";
import { ANONYMOUS_SECURITY, COMPATIBLE_SECURITY, PLAIN_SECURITY } from "../security.js";
import type { OptionReader } from "./option-reader.js";
import { resolveSecurity, type SecurityOptions } from "./security-options.js";

const KIB = 1_024;
const MIB = 1_048_576;
const GIB = 1_073_741_824;

/** 3 MiB. @see golang-ipc vars.go, `MAX_MSG_SIZE` */
const DEFAULT_MAX_MESSAGE_SIZE = 3_145_728;

/** What clients, servers and sessions all take. */
export interface PeerOptions {
  /**
   * Whether bytes are encrypted (ECDH P-384, AES-256-GCM). The server decides; a client that wants it refuses a server
   * without it, a client that does not follows the server.
   * @default true
   */
  readonly encryption?: boolean;
  /**
   * The longest data of one message, in bytes, 1 024 … 1 073 741 824. A server's bounds both directions; a client's bounds
   * what it receives.
   * @default 3_145_728
   */
  readonly maxMessageSize?: number;
  /** Accepted by `write` and not with the kernel, in bytes, 1 024 … 1 073 741 824; past it writes wait. @default 1_048_576 */
  readonly maxQueuedBytes?: number;
  /** Received and not read, in bytes, 1 024 … 1 073 741 824; past it the peer's writes wait. @default 1_048_576 */
  readonly maxUnreadBytes?: number;
  /**
   * For how long the event loop asks for more instead of sleeping after this peer has sent something, in microseconds, 0 …
   * 1 000. Where the answer usually comes within it, a round trip takes less time, for one processor core kept
   * busy meanwhile on each side that asks for it. @default 0, never
   */
  readonly busyPollUs?: number;
  /** How both sides prove themselves. @default a secure session without keys: secret, and each side anonymous */
  readonly security?: SecurityOptions;
  /** How long a handshake may take, in milliseconds, 1 … 2 147 483 647. @default 5_000 */
  readonly handshakeTimeoutMs?: number;
  /** Aborts the start; afterwards destroys. */
  readonly signal?: AbortSignal;
  /** Is told what happens, never data or keys. @default silent */
  readonly logger?: Logger;
}

/** The names of PeerOptions, for the check of unknown ones. */
export const PEER_OPTIONS: readonly (keyof PeerOptions)[] = [
  "encryption",
  "maxMessageSize",
  "maxQueuedBytes",
  "maxUnreadBytes",
  "busyPollUs",
  "security",
  "handshakeTimeoutMs",
  "signal",
  "logger",
];

/** The limits of a peer, resolved. */
export interface PeerLimits {
  /** Bytes of data of one received message. */
  readonly maxMessageSize: number;
  readonly maxQueuedBytes: number;
  readonly maxUnreadBytes: number;
  /** How long the event loop does not sleep after something was sent. */
  readonly busyPollUs: number;
}

/** PeerOptions, complete. */
export interface ResolvedPeerOptions {
  readonly encryption: boolean;
  readonly limits: PeerLimits;
  readonly handshakeTimeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly logger: Logger;
  readonly credentials: Credentials;
  /** Where one more pre-shared key comes from: a private file at its usual place, or at this path. */
  readonly keyFile: boolean | string;
  /** What `peer.security` says before the first connection. */
  readonly security: ConnectionSecurity;
}

/** @throws TypeError, RangeError naming the option, what it takes and what it got */
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
    }),
    handshakeTimeoutMs: options.milliseconds("handshakeTimeoutMs", 5_000, 1),
    signal: options.signal("signal"),
    logger: logger === undefined ? silentLogger : isolateLogger(logger),
    credentials,
    keyFile,
    security: securityWanted(encryption, credentials),
  });
}

function securityWanted(encryption: boolean, { supportsSecure }: Credentials): ConnectionSecurity {
  if (!encryption) return PLAIN_SECURITY;
  return supportsSecure ? ANONYMOUS_SECURITY : COMPATIBLE_SECURITY;
}
