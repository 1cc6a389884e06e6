import { resolve } from "node:path";
import { socketPath } from "../endpoint.js";
import { throwTransportError } from "../node-error.js";
import { assertBoolean, assertInteger, assertKnownOptions, assertPlace, formatValue } from "../option-check.js";
import type { Transport } from "../transport.js";
import { dialVerified } from "./dial.js";
import { listenAtFile } from "./listen.js";
import { namedPipe } from "./named-pipe.js";
import { explainAddressInUse } from "./slot-owner.js";

export interface UnixSocketOptions {
  /**
   * The directory of the socket files; a relative path is resolved at once. A server creates a missing directory for this user
   * alone, and never changes an existing one. Both sides must name the same. Ignored on Windows.
   * @default "/tmp", as golang-ipc
   */
  readonly directory?: string;
  /** Lets every user of the machine connect: mode 0777 instead of 0600. Affects servers only. @default false */
  readonly unmaskPermissions?: boolean;
  /** The uids whose servers a client trusts besides those of its own user and root. Ignored on Windows. @default [] */
  readonly trustedOwners?: readonly number[];
}

const MAX_UID = 0xffff_ffff;
/** A dial costs microseconds, and a restarting server is back in a moment. */
const MAX_RETRY_DELAY_MS = 250;

/**
 * Creates the transport over unix sockets, `<directory>/<name>.sock`; on Windows over named pipes, `\\.\pipe\<name>`.
 *
 * `listen` rejects with `IPC_ADDRESS_IN_USE`, `IPC_PATH_TOO_LONG`, `IPC_PERMISSION_DENIED`, `IPC_TRANSPORT_FAILED` or
 * `IPC_ABORTED`. It replaces the socket file that a killed server has left, and never changes any other file.
 *
 * `dial` rejects with `IPC_NO_SERVER`, `IPC_UNTRUSTED_SOCKET`, `IPC_PATH_TOO_LONG`, `IPC_PERMISSION_DENIED`,
 * `IPC_TRANSPORT_FAILED` or `IPC_ABORTED`.
 *
 * @throws TypeError, RangeError naming the option
 */
export function unixSocket(options: UnixSocketOptions = {}): Transport {
  assertKnownOptions(options, ["directory", "unmaskPermissions", "trustedOwners"], "unixSocket()");
  const { directory = "/tmp", unmaskPermissions = false, trustedOwners = [] } = options;
  assertPlace(directory, "directory");
  assertBoolean(unmaskPermissions, "unmaskPermissions");
  if (!Array.isArray(trustedOwners))
    throw new TypeError(`\`trustedOwners\` must be an array of uids, got ${formatValue(trustedOwners)}`);
  for (const owner of trustedOwners) assertInteger(owner, "trustedOwners", 0, MAX_UID);

  if (process.platform === "win32") return namedPipe(unmaskPermissions, MAX_RETRY_DELAY_MS);
  return socketFiles(resolve(directory), unmaskPermissions ? 0o777 : 0o600, [...trustedOwners]);
}

function socketFiles(directory: string, mode: number, trustedOwners: readonly number[]): Transport {
  const transport: Transport = {
    maxRetryDelayMs: MAX_RETRY_DELAY_MS,
    address: (name, endpoint) => socketPath(directory, name, endpoint, process.platform),

    async listen(name, endpoint, onStream, options) {
      const address = transport.address(name, endpoint);
      const { signal } = options;
      try {
        signal?.throwIfAborted();
        return await listenAtFile(address, mode, onStream, options);
      } catch (error) {
        const whenDenied = `give this user the right to write to ${directory}, or choose another \`directory\``;
        const cause = await explainAddressInUse(error, { directory, name, endpoint, signal });
        throwTransportError(cause, { doing: "listen", address, whenDenied, signal });
      }
    },

    async dial(name, endpoint, { signal }) {
      const address = transport.address(name, endpoint);
      try {
        signal?.throwIfAborted();
        return await dialVerified(address, trustedOwners, signal);
      } catch (error) {
        const whenDenied = "the server's user can let others in with `unmaskPermissions: true`";
        throwTransportError(error, { doing: "dial", address, whenDenied, signal });
      }
    },
  };
  return Object.freeze(transport);
}
