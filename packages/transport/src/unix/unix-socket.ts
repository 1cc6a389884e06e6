import { resolve } from "node:path";
import { socketPath } from "../endpoint.js";
import type { DirectoryPolicy } from "../fs/directory-walk.js";
import { machineDirectories, userDirectory } from "../fs/user-directory.js";
import { throwTransportError } from "../node-error.js";
import { assertBoolean, assertInteger, assertKnownOptions, assertPlace, formatValue } from "../option-check.js";
import type { Transport } from "../transport.js";
import { assertNotAborted } from "../transport-error.js";
import { dialVerified } from "./dial.js";
import { namedPipe } from "./named-pipe.js";
import { explainAddressInUse } from "./slot-owner.js";
import { MAX_ID, resolveAccess } from "./socket-access.js";
import type { BindSettings } from "./socket-binding.js";
import { SocketListener } from "./socket-listener.js";

export interface UnixSocketOptions {
  /**
   * The directory of the socket files; a relative path is resolved at once. A server creates missing directories for the users
   * that may connect, and never changes existing ones. `"user"` is the private directory of this user, which key files are in,
   * too: `$XDG_RUNTIME_DIR/ipc`, or `ipc-<uid>` in the directory for temporary files. Both sides must name the same. Ignored on
   * Windows.
   * @default "/tmp", as golang-ipc
   */
  readonly directory?: string;
  /** Lets every user of the machine connect: mode 0777 instead of 0600. Affects servers only. @default false */
  readonly unmaskPermissions?: boolean;
  /**
   * The mode of the socket file, `0o600` … `0o777`; the right to write is the right to connect. Affects servers only. Ignored on
   * Windows.
   * @default 0o600, with `group` 0o660
   */
  readonly mode?: number;
  /**
   * The group of the socket file: a gid, or a name from /etc/group. Affects servers only. Ignored on Windows.
   * @default the group that the system gives to a new file
   */
  readonly group?: number | string;
  /**
   * The uids that are trusted besides this user's own and root: they may own the socket that a client dials, and the directories
   * on the way to it. Ignored on Windows.
   * @default []
   */
  readonly trustedOwners?: readonly number[];
  /**
   * Accepts a `directory` in which other users can exchange files, such as one that a group can write. Every one of them can
   * stop clients from reaching the server. A server needs Linux with `/proc` mounted for such a directory; elsewhere it rejects
   * with `IPC_UNTRUSTED_SOCKET`, and the users can deceive a client. Ignored on Windows.
   * @default false
   */
  readonly sharedDirectory?: boolean;
}

const OPTIONS: readonly (keyof UnixSocketOptions)[] = [
  "directory",
  "unmaskPermissions",
  "mode",
  "group",
  "trustedOwners",
  "sharedDirectory",
];

const GROUP_AND_OTHERS = 0o077;
/** A dial costs microseconds, and a restarting server is back in a moment. */
const MAX_RETRY_DELAY_MS = 250;

/**
 * Creates the transport over unix sockets, `<directory>/<name>.sock`; on Windows over named pipes, `\\.\pipe\<name>`.
 *
 * `listen` rejects with `IPC_ADDRESS_IN_USE`, `IPC_UNTRUSTED_SOCKET`, `IPC_PATH_TOO_LONG`, `IPC_PERMISSION_DENIED`,
 * `IPC_TRANSPORT_FAILED` or `IPC_ABORTED`. It replaces the socket file that a killed server has left, and never changes any other
 * file.
 *
 * `dial` rejects with `IPC_NO_SERVER`, `IPC_UNTRUSTED_SOCKET`, `IPC_PATH_TOO_LONG`, `IPC_PERMISSION_DENIED`,
 * `IPC_TRANSPORT_FAILED` or `IPC_ABORTED`.
 *
 * @throws TypeError, RangeError naming the option
 */
export function unixSocket(options: UnixSocketOptions = {}): Transport {
  assertKnownOptions(options, OPTIONS, "unixSocket()");
  const { directory = "/tmp", unmaskPermissions = false, trustedOwners = [], sharedDirectory = false } = options;
  assertPlace(directory, "directory");
  assertBoolean(unmaskPermissions, "unmaskPermissions");
  assertBoolean(sharedDirectory, "sharedDirectory");
  if (!Array.isArray(trustedOwners))
    throw new TypeError(`\`trustedOwners\` must be an array of uids, got ${formatValue(trustedOwners)}`);
  for (const owner of trustedOwners) assertInteger(owner, "trustedOwners", 0, MAX_ID);
  const access = resolveAccess(unmaskPermissions, options.mode, options.group);

  if (process.platform === "win32") return namedPipe(unmaskPermissions, MAX_RETRY_DELAY_MS);
  const policy: DirectoryPolicy = { trustedOwners: [...trustedOwners], sharedDirectory };
  if (directory !== "user") {
    const whenDenied = `give this user the right to write to ${directory}, or choose another \`directory\``;
    return socketFiles(resolve(directory), { access, policy }, whenDenied);
  }
  if ((access.mode & GROUP_AND_OTHERS) !== 0) {
    throw new TypeError(
      '`directory: "user"` is closed to other users, so its sockets cannot be open to them; name another `directory`',
    );
  }
  const whenDenied =
    "XDG_RUNTIME_DIR must be a directory of this user, which a login session has, or unset; or choose another `directory`";
  return socketFiles(userDirectory(machineDirectories()), { access, policy }, whenDenied);
}

function socketFiles(directory: string, settings: BindSettings, listenDenied: string): Transport {
  const transport: Transport = {
    maxRetryDelayMs: MAX_RETRY_DELAY_MS,
    address: (name, endpoint) => socketPath(directory, name, endpoint, process.platform),

    async listen(name, endpoint, onStream, options) {
      const address = transport.address(name, endpoint);
      const { signal } = options;
      assertNotAborted(signal, `listening at ${address}`);
      try {
        return await SocketListener.open(address, settings, onStream, options);
      } catch (error) {
        const cause = await explainAddressInUse(error, { directory, name, endpoint, signal });
        throwTransportError(cause, { doing: "listen", address, whenDenied: listenDenied, signal });
      }
    },

    async dial(name, endpoint, { signal }) {
      const address = transport.address(name, endpoint);
      assertNotAborted(signal, `dialling ${address}`);
      try {
        return await dialVerified(address, settings.policy, signal);
      } catch (error) {
        const whenDenied =
          "the server's user can let in every user with `unmaskPermissions: true`, or a group with `mode: 0o660` and `group`";
        throwTransportError(error, { doing: "dial", address, whenDenied, signal });
      }
    },
  };
  return Object.freeze(transport);
}
