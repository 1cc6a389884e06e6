import type { ConnectionSecurity, PeerOptions } from "@ipc/session";
import { OptionReader, PEER_OPTIONS, type ResolvedPeerOptions, resolvePeerOptions } from "@ipc/session/internal";
import { assertName, type Transport, unixSocket } from "@ipc/transport";
import { type KeyFilePlace, resolveKeyFile } from "@ipc/transport/key-file";

/** A client that asks to connect. */
export interface AuthorizationRequest {
  readonly security: ConnectionSecurity;
  readonly remote: string;
}

/** @deprecated Use `AuthorizationRequest`. */
export type Applicant = AuthorizationRequest;

/**
 * Accepts (true) or rejects (false, or an exception) a client, as soon as the handshake has verified its keys and within the
 * handshake's time limit. A client in compatible mode may already believe that it is connected.
 */
export type Authorize = (request: AuthorizationRequest) => boolean | Promise<boolean>;

/** Options of `startServer`; golang-ipc's names unless TypeScript has better ones. */
export interface ServerOptions extends PeerOptions {
  /** The server's name: letters, digits, `.`, `_`, `-`; at most 64, starting with a letter or digit. */
  readonly name: string;
  /** Directory of the socket file. @default "/tmp", as golang-ipc */
  readonly directory?: string;
  /** Lets every user of the machine connect: socket mode 0777 instead of 0600. @default false */
  readonly unmaskPermissions?: boolean;
  /** Transport to listen on, instead of a unix socket in `directory`. */
  readonly transport?: Transport;
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
}

/** The names of ServerOptions; others are rejected as unknown. */
export const SERVER_OPTIONS: readonly (keyof ServerOptions)[] = [
  "name",
  "directory",
  "unmaskPermissions",
  "transport",
  "authorize",
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
