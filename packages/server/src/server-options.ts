import type { ConnectionSecurity, ReconnectOptions } from "@ipc/session";
import {
  assertKeysFor,
  OptionReader,
  PEER_OPTIONS,
  type ResolvedPeerOptions,
  type ResumeLimits,
  resolvePeerOptions,
  resolveResume,
} from "@ipc/session/internal";
import { assertName, type Transport, type UnixSocketOptions, unixSocket } from "@ipc/transport";
import { type KeyFilePlace, resolveKeyFile } from "@ipc/transport/key-file";
import { patientTransport } from "./patient-transport.js";

/** A client that asks to connect. */
export interface AuthorizationRequest {
  readonly security: ConnectionSecurity;
  readonly remote: string;
}

/**
 * Accepts (true) or rejects (false, or an exception) a client, as soon as the handshake has verified its keys and within the
 * handshake's time limit. A client in compatible mode may already believe that it is connected.
 */
export type Authorize = (request: AuthorizationRequest) => boolean | Promise<boolean>;

/** Options of `startServer`; golang-ipc's names unless TypeScript has better ones. */
export interface ServerOptions extends ReconnectOptions {
  /** The server's name: letters, digits, `.`, `_`, `-`; at most 64, starting with a letter or digit. */
  readonly name: string;
  /** Directory of the socket file; `"user"`: the private directory of this user. @default "/tmp", as golang-ipc */
  readonly directory?: string;
  /** Lets every user of the machine connect: socket mode 0777 instead of 0600. @default false */
  readonly unmaskPermissions?: boolean;
  /** Mode of the socket file, `0o600` … `0o777`, instead of `unmaskPermissions`. @default 0o600, with `group` 0o660 */
  readonly mode?: number;
  /** Group of the socket file: a gid, or a name from /etc/group. @default the group that the system gives to a new file */
  readonly group?: number | string;
  /** Uids that may own the directories on the way to the socket file, besides this user and root. @default [] */
  readonly trustedOwners?: readonly number[];
  /** Accepts a `directory` in which other users can exchange files, such as one that a group can write. @default false */
  readonly sharedDirectory?: boolean;
  /** Transport to listen on, instead of a unix socket in `directory`. */
  readonly transport?: Transport;
  /**
   * How long to wait at the start while the address is in use, in milliseconds, with an attempt every 50 ms: the process that a
   * watcher or a supervisor has told to end may still be closing. @default 0
   */
  readonly waitMs?: number;
  /** Accepts or rejects each client. @default accepts every client */
  readonly authorize?: Authorize;
}

/** ServerOptions with every default applied. */
export interface ResolvedServerOptions extends ResolvedPeerOptions {
  readonly name: string;
  /** Location of the key file with one more pre-shared key; undefined: none. */
  readonly keyFilePlace: KeyFilePlace | undefined;
  readonly transport: Transport;
  readonly authorize: Authorize;
  /** Undefined: a session ends with its connection. */
  readonly resume: ResumeLimits | undefined;
}

/** The options of the unix socket, which a `transport` excludes. */
const SOCKET_OPTIONS = [
  "directory",
  "unmaskPermissions",
  "mode",
  "group",
  "trustedOwners",
  "sharedDirectory",
] as const satisfies readonly (keyof UnixSocketOptions)[];

/** The names of ServerOptions; others are rejected as unknown. */
export const SERVER_OPTIONS: readonly (keyof ServerOptions)[] = [
  "name",
  ...SOCKET_OPTIONS,
  "transport",
  "waitMs",
  "authorize",
  "resume",
  ...PEER_OPTIONS,
];

/**
 * @param reader reads the options; pass one if they are part of a larger set
 * @throws TypeError, RangeError naming the option, the accepted values and the given value
 */
export function resolveServerOptions(
  options: ServerOptions,
  reader: OptionReader<ServerOptions> = new OptionReader("startServer", options, SERVER_OPTIONS),
): ResolvedServerOptions {
  const { name } = options;
  assertName(name);
  reader.refuseBeside("transport", SOCKET_OPTIONS);
  const transport =
    reader.methods<Transport>("transport", ["address", "listen"]) ?? unixSocket(reader.pick(SOCKET_OPTIONS));
  const peer = resolvePeerOptions(reader, "server");
  assertKeysFor(transport, peer, reader.where, "server");
  return Object.freeze({
    ...peer,
    name,
    keyFilePlace: peer.keyFile === false ? undefined : resolveKeyFile(name, peer.keyFile),
    transport: patientTransport(transport, reader.milliseconds("waitMs", 0)),
    authorize: reader.callback<Authorize>("authorize") ?? (() => true),
    resume: resolveResume(reader.where, reader.value("resume"), {
      encryption: peer.encryption,
      supportsSecure: peer.credentials.supportsSecure,
    }),
  });
}
