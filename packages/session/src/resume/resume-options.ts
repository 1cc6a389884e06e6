import { OptionReader } from "../options/option-reader.js";
import type { PeerOptions } from "../options/peer-options.js";

/** How a session outlives its connections. */
export interface ResumeOptions {
  /** How long a session waits for its next connection, in milliseconds, 1 … 2 147 483 647. @default 120_000 */
  readonly ttlMs?: number;
  /**
   * Bytes of sent messages that are kept until the peer has received them, 1 024 … 1 073 741 824, and one message more; above it,
   * writes wait. @default 4_194_304
   */
  readonly bufferBytes?: number;
  /** Rejects peers that cannot resume, with IPC_NOT_RESUMABLE. @default false */
  readonly require?: boolean;
}

/** Options of clients and servers: what outlives a connection. */
export interface ReconnectOptions extends PeerOptions {
  /**
   * Keeps the session when the connection is cut, if both sides do: each message arrives exactly once and in order, over as many
   * connections as it takes, as long as both processes live. True: with the defaults of ResumeOptions. Needs a secure session.
   * @default false
   */
  readonly resume?: boolean | ResumeOptions;
}

/** Resolved ResumeOptions. */
export interface ResumeLimits {
  readonly ttlMs: number;
  readonly bufferBytes: number;
  readonly require: boolean;
}

const KIB = 1_024;
const MIB_4 = 4_194_304;
const GIB = 1_073_741_824;

/**
 * Resolves the option `resume`; undefined: off.
 * @param where the function whose option it is
 * @throws TypeError, RangeError naming the option, what it takes and what it got
 */
export function resolveResume(
  where: string,
  value: unknown,
  security: { readonly encryption: boolean; readonly supportsSecure: boolean },
): ResumeLimits | undefined {
  if (value === undefined || value === false) return undefined;
  const options = value === true ? {} : (value as ResumeOptions);
  const reader = new OptionReader<ResumeOptions>(`${where}: resume`, options, ["ttlMs", "bufferBytes", "require"]);
  const obstacle = security.encryption ? 'wire: "golang-ipc"' : "encryption: false";
  if (!security.encryption || !security.supportsSecure)
    throw new TypeError(
      `${where}: \`resume\` needs a secure session and cannot be combined with \`${obstacle}\`; remove one or the other`,
    );
  return Object.freeze({
    ttlMs: reader.milliseconds("ttlMs", 120_000, 1),
    bufferBytes: reader.integer("bufferBytes", MIB_4, { min: KIB, max: GIB, unit: "bytes" }),
    require: reader.boolean("require", false),
  });
}
