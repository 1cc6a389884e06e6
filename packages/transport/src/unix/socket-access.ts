import { chmodSync, chownSync, readFileSync } from "node:fs";
import { errnoOf } from "../node-error.js";
import { assertInteger, formatValue } from "../option-check.js";
import { TransportError } from "../transport-error.js";

/** Which users may connect: mode and group of a socket file. */
export interface SocketAccess {
  readonly mode: number;
  /** Undefined: the group that the system gives to a new file. */
  readonly gid: number | undefined;
}

/** The highest uid and gid; the next number means "none" to chown(2). */
export const MAX_ID = 0xffff_fffe;
const OWNER_ONLY = 0o600;
const OWNER_AND_GROUP = 0o660;
const EVERY_USER = 0o777;

/**
 * Resolves the options `unmaskPermissions`, `mode` and `group`.
 *
 * @throws TypeError, RangeError naming the option
 */
export function resolveAccess(unmask: boolean, mode: unknown, group: unknown): SocketAccess {
  if (unmask && (mode !== undefined || group !== undefined)) {
    const option = mode === undefined ? "group" : "mode";
    throw new TypeError(`\`${option}\` cannot be combined with \`unmaskPermissions\`, which lets every user connect`);
  }
  const gid = group === undefined ? undefined : resolveGroup(group);
  if (mode === undefined) return { mode: unmask ? EVERY_USER : gid === undefined ? OWNER_ONLY : OWNER_AND_GROUP, gid };
  // Every mode from 0600 up lets the owner read and write: without that, a later start could not find out whether a server listens.
  assertInteger(mode, "mode", OWNER_ONLY, EVERY_USER, formatOctal);
  return { mode, gid };
}

/** Formats an integer as modes are written: `0o600`. */
function formatOctal(integer: number): string {
  return integer < 0 ? String(integer) : `0o${integer.toString(8)}`;
}

function resolveGroup(group: unknown): number {
  if (typeof group === "number") {
    assertInteger(group, "group", 0, MAX_ID);
    return group;
  }
  if (typeof group !== "string" || !/^[^:\s]+$/.test(group)) {
    throw new TypeError(`\`group\` must be a gid or the name of a group, got ${formatValue(group)}`);
  }
  // Windows has no such file, and ignores the option.
  if (process.platform === "win32") return 0;
  // group(5): name:password:gid:members
  for (const line of readGroups().split("\n")) {
    const [name, , gid = ""] = line.split(":");
    if (name === group && /^\d+$/.test(gid)) return Number(gid);
  }
  throw new RangeError(`\`group\` must be a gid or a name from /etc/group, which has no group ${formatValue(group)}`);
}

function readGroups(): string {
  try {
    return readFileSync("/etc/group", "utf8");
  } catch (cause) {
    throw new RangeError("`group` is a name, and /etc/group cannot be read; pass the gid", { cause });
  }
}

/** Returns the mode of a new directory: the users that may connect to the socket may search it. */
export function directoryMode({ mode }: SocketAccess): number {
  return 0o700 | ((mode & 0o020) >> 1) | ((mode & 0o002) >> 1);
}

/**
 * Sets group and mode, in this order: the rights of a group are granted to the right group only.
 *
 * @param path of the file; `name` is for the message
 * @throws TransportError `IPC_PERMISSION_DENIED` when this user may not choose the group
 */
export function grantAccess(path: string, mode: number, gid: number | undefined, name: string): void {
  if (gid !== undefined) {
    try {
      chownSync(path, -1, gid);
    } catch (cause) {
      if (errnoOf(cause) !== "EPERM") throw cause;
      throw new TransportError(
        "IPC_PERMISSION_DENIED",
        `this user may not give ${name} to group ${gid} (EPERM), because it is not a member; add it to that group, or choose another \`group\``,
        { cause },
      );
    }
  }
  chmodSync(path, mode);
}
