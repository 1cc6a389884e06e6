import type { PeerOptions } from "@ipc/session";
import { OptionReader, PEER_OPTIONS, type ResolvedPeerOptions, resolvePeerOptions } from "@ipc/session/internal";
import { assertName, type Transport, unixSocket } from "@ipc/transport";
import { type KeyFilePlace, resolveKeyFile } from "@ipc/transport/key-file";
import { RetrySchedule } from "./retry-timer.js";

/** The longest pause of the back-off where a transport does not say, in milliseconds. */
const MAX_RETRY_MS = 1_000;

/** What `startClient` takes; golang-ipc's names where TypeScript has no better ones. */
export interface ClientOptions extends PeerOptions {
  /** The server's name: letters, digits, `.`, `_`, `-`; at most 64, starting with a letter or digit. */
  readonly name: string;
  /** Where the socket files lie. @default "/tmp", as golang-ipc */
  readonly directory?: string;
  /** Uids besides this user's and root's whose server sockets are trusted. @default [] */
  readonly trustedOwners?: readonly number[];
  /** How to reach the server, instead of a unix socket in `directory`. */
  readonly transport?: Transport;
  /** How long the start may take, and each redialling, in milliseconds; 0 = for ever. @default 0 */
  readonly timeoutMs?: number;
  /** A fixed pause between two dials, in milliseconds, instead of back-off with jitter. */
  readonly retryMs?: number;
  /**
   * Asks at `<name>_manager` for an id and a place of its own, as golang-ipc's MultiClient clients do, and for a new one each
   * time it redials; `timeoutMs` bounds both together. For golang-ipc servers with `MultiClient: true`; `startServerManager`
   * takes clients without it, too.
   * @default false
   */
  readonly multiClient?: boolean;
  /** False: one attempt at the start, and one when a connection is lost. @default true */
  readonly retry?: boolean;
}

/** ClientOptions, complete. */
export interface ResolvedClientOptions extends ResolvedPeerOptions {
  readonly name: string;
  /** Where one more pre-shared key comes from. */
  readonly keyFilePlace: KeyFilePlace | undefined;
  readonly transport: Transport;
  readonly timeoutMs: number;
  readonly retry: boolean;
  readonly multiClient: boolean;
  readonly schedule: RetrySchedule;
}

/** @throws TypeError, RangeError naming the option, what it takes and what it got */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  const reader = new OptionReader("startClient", options, [
    "name",
    "directory",
    "trustedOwners",
    "transport",
    "timeoutMs",
    "retryMs",
    "retry",
    "multiClient",
    ...PEER_OPTIONS,
  ]);
  const { name, directory, trustedOwners, retryMs } = options;
  assertName(name);
  reader.refuseBeside("transport", ["directory", "trustedOwners"]);
  const transport =
    reader.methods<Transport>("transport", ["address", "dial"]) ??
    unixSocket({
      ...(directory !== undefined && { directory }),
      ...(trustedOwners !== undefined && { trustedOwners }),
    });
  const schedule = new RetrySchedule({
    maxMs: transport.maxRetryDelayMs ?? MAX_RETRY_MS,
    random: Math.random,
    ...(retryMs !== undefined && { fixedMs: reader.milliseconds("retryMs", 0) }),
  });
  const peer = resolvePeerOptions(reader, "client");
  return Object.freeze({
    ...peer,
    name,
    keyFilePlace: peer.keyFile === false ? undefined : resolveKeyFile(name, peer.keyFile),
    transport,
    timeoutMs: reader.milliseconds("timeoutMs", 0),
    retry: reader.boolean("retry", true),
    multiClient: reader.boolean("multiClient", false),
    schedule,
  });
}
