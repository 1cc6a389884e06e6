import type { IpcError, PeerEvents, ReconnectOptions } from "@ipc/session";
import {
  assertKeysFor,
  OptionReader,
  PEER_OPTIONS,
  type ResolvedPeerOptions,
  type ResumeLimits,
  resolvePeerOptions,
  resolveResume,
} from "@ipc/session/internal";
import { assertName, type Endpoint, type Transport, unixSocket } from "@ipc/transport";
import { type KeyFilePlace, resolveKeyFile } from "@ipc/transport/key-file";
import { RetrySchedule } from "./retry-schedule.js";

/** The longest pause of the back-off unless the transport sets one, in milliseconds. */
const MAX_RETRY_MS = 1_000;

export const NAME: Endpoint = { kind: "name" };
export const MANAGER: Endpoint = { kind: "manager" };

export interface ClientEvents extends PeerEvents {
  /**
   * An attempt to reconnect to the server at `address` failed with `error`, and will be repeated. The attempts of `startClient`,
   * before there is a client, are in the log and on the diagnostics channel `ipc:waiting`, as these are.
   */
  waiting: [error: IpcError, address: string];
}

/** Options of `startClient`; golang-ipc's names unless TypeScript has better ones. */
export interface ClientOptions extends ReconnectOptions {
  /** The server's name: letters, digits, `.`, `_`, `-`; at most 64, starting with a letter or digit. */
  readonly name: string;
  /**
   * The name that the server was started with; an @ipc server of another name is rejected. It differs from `name` where the
   * socket is a hard link, or where a TCP port is forwarded.
   * @default `name`
   */
  readonly serverName?: string;
  /** Directory of the socket files; `"user"`: the private directory of this user. @default "/tmp", as golang-ipc */
  readonly directory?: string;
  /** Uids that may own the server's socket and the directories on the way to it, besides this user and root. @default [] */
  readonly trustedOwners?: readonly number[];
  /** Accepts a `directory` in which other users can exchange files, such as one that a group can write. @default false */
  readonly sharedDirectory?: boolean;
  /** Transport to the server, instead of a unix socket in `directory`. */
  readonly transport?: Transport;
  /** Time limit for the start and for each reconnect, in milliseconds; 0 = none. @default 0 */
  readonly timeoutMs?: number;
  /** A fixed pause between two dials, in milliseconds, instead of back-off with jitter. */
  readonly retryMs?: number;
  /**
   * Requests an id and an endpoint of its own at `<name>_manager`, as golang-ipc's MultiClient clients do, and new ones for
   * each reconnect; `timeoutMs` bounds both steps together. For golang-ipc servers with `MultiClient: true`;
   * `startServerManager` also accepts clients without it. Not with a transport whose servers have one endpoint, such as TCP.
   * @default false
   */
  readonly multiClient?: boolean;
  /**
   * The fate of a `write` between two connections: it rejects with IPC_NOT_CONNECTED, or waits for the next connection, as
   * writes before the first one do, and rejects when redialling ends. @default "reject"
   */
  readonly writeWhileReconnecting?: "reject" | "wait";
  /**
   * False: dials once at the start, and once after each lost connection; once more if the server was there, and the event loop of
   * this process was blocked for a second meanwhile. @default true
   */
  readonly retry?: boolean;
}

/** ClientOptions with every default applied. */
export interface ResolvedClientOptions extends ResolvedPeerOptions {
  readonly name: string;
  readonly serverName: string;
  /** Location of the key file with one more pre-shared key; undefined: none. */
  readonly keyFilePlace: KeyFilePlace | undefined;
  readonly transport: Transport;
  readonly timeoutMs: number;
  readonly retry: boolean;
  readonly multiClient: boolean;
  readonly writeWhileReconnecting: "reject" | "wait";
  readonly schedule: RetrySchedule;
  /** Undefined: a session ends with its connection. */
  readonly resume: ResumeLimits | undefined;
}

/** The options of the unix socket, which a `transport` excludes. */
const SOCKET_OPTIONS = ["directory", "trustedOwners", "sharedDirectory"] as const;

/** @throws TypeError, RangeError naming the option, the accepted values and the given value */
export function resolveClientOptions(options: ClientOptions): ResolvedClientOptions {
  const reader = new OptionReader("startClient", options, [
    "name",
    "serverName",
    ...SOCKET_OPTIONS,
    "transport",
    "timeoutMs",
    "retryMs",
    "retry",
    "multiClient",
    "writeWhileReconnecting",
    "resume",
    ...PEER_OPTIONS,
  ]);
  const { name, serverName = name, retryMs } = options;
  assertName(name);
  assertName(serverName, "serverName");
  reader.refuseBeside("transport", SOCKET_OPTIONS);
  const transport =
    reader.methods<Transport>("transport", ["address", "dial"]) ?? unixSocket(reader.pick(SOCKET_OPTIONS));
  const schedule = new RetrySchedule({
    maxMs: transport.maxRetryDelayMs ?? MAX_RETRY_MS,
    random: Math.random,
    ...(retryMs !== undefined && { fixedMs: reader.milliseconds("retryMs", 0) }),
  });
  const multiClient = reader.boolean("multiClient", false);
  if (multiClient) assertGivesIds(name, transport);
  const peer = resolvePeerOptions(reader, "client");
  assertKeysFor(transport, peer, reader.where, "client");
  return Object.freeze({
    ...peer,
    name,
    serverName,
    keyFilePlace: peer.keyFile === false ? undefined : resolveKeyFile(name, peer.keyFile),
    transport,
    timeoutMs: reader.milliseconds("timeoutMs", 0),
    retry: reader.boolean("retry", true),
    multiClient,
    writeWhileReconnecting: reader.choice("writeWhileReconnecting", ["reject", "wait"], "reject"),
    schedule,
    resume: resolveResume("startClient", reader.value("resume"), {
      encryption: peer.encryption,
      supportsSecure: peer.credentials.supportsSecure,
    }),
  });
}

/** @throws TypeError if a server has no endpoint to request an id at */
function assertGivesIds(name: string, transport: Transport): void {
  const address = transport.address(name, NAME);
  if (transport.address(name, MANAGER) !== address) return;
  throw new TypeError(
    `startClient: \`multiClient: true\` takes a \`transport\` on which managers give out client ids, and at ${address} they do not; connect to the manager without \`multiClient\``,
  );
}
