import type { ConnectionSecurity, PeerOptions } from "@ipc/session";
import { OptionReader, PEER_OPTIONS, type ResolvedPeerOptions, resolvePeerOptions } from "@ipc/session/internal";
import { assertName, type Transport, unixSocket } from "@ipc/transport";
import { type KeyFilePlace, resolveKeyFile } from "@ipc/transport/key-file";

/** Who asks to be served. */
export interface AuthorizationRequest {
  readonly security: ConnectionSecurity;
  readonly remote: string;
}

/** @deprecated Use `AuthorizationRequest`. */
export type Applicant = AuthorizationRequest;

/**
 * Decides about a client before it takes its place, within the handshake's time, as soon as it is known what the client has
 * proved. False, or a failure, turns it away. A client in compatible mode may believe by then that it is connected.
 */
export type Authorize = (request: AuthorizationRequest) => boolean | Promise<boolean>;

/** What `startServer` takes; golang-ipc's names where TypeScript has no better ones. */
export interface ServerOptions extends PeerOptions {
  /** Letters, digits, `.`, `_`, `-`; at most 64, starting with a letter or digit. */
  readonly name: string;
  /** Where the socket file lies. @default "/tmp", as golang-ipc */
  readonly directory?: string;
  /** Lets every user of the machine connect: mode 0777 instead of 0600. @default false */
  readonly unmaskPermissions?: boolean;
  /** Where to listen, instead of a unix socket in `directory`. */
  readonly transport?: Transport;
  /** Decides about each client. @default everybody comes in */
  readonly authorize?: Authorize;
}

/** ServerOptions, complete. */
export interface ResolvedServerOptions extends ResolvedPeerOptions {
  readonly name: string;
  /** Where one more pre-shared key comes from. */
  readonly keyFilePlace: KeyFilePlace | undefined;
  readonly transport: Transport;
  readonly authorize: Authorize;
}

/** The names of ServerOptions, for the check of unknown ones. */
export const SERVER_OPTIONS: readonly (keyof ServerOptions)[] = [
  "name",
  "directory",
  "unmaskPermissions",
  "transport",
  "authorize",
  ...PEER_OPTIONS,
];

/**
 * @param reader of these options, where they are part of others
 * @throws TypeError, RangeError naming the option, what it takes and what it got
 */
export function resolveServerOptions(
  options: ServerOptions,
  reader: OptionReader<ServerOptions> = new OptionReader("startServer", options, SERVER_OPTIONS),
): ResolvedServerOptions {
  const { name, directory, unmaskPermissions } = options;
  assertName(name);
  reader.refuseBeside("transport", ["directory", "unmaskPermissions"]);
  const transport =
    reader.methods<Transport>("transport", ["address", "listen"]) ??
    unixSocket({
      ...(directory !== undefined && { directory }),
      ...(unmaskPermissions !== undefined && { unmaskPermissions }),
    });
  const peer = resolvePeerOptions(reader, "server");
  return Object.freeze({
    ...peer,
    name,
    keyFilePlace: peer.keyFile === false ? undefined : resolveKeyFile(name, peer.keyFile),
    transport,
    authorize: reader.callback<Authorize>("authorize") ?? (() => true),
  });
}
