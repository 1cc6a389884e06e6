import { posix } from "node:path";
import { assertInteger, formatValue } from "./option-check.js";
import type { Endpoint } from "./transport.js";
import { TransportError } from "./transport-error.js";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const MAX_SLOT_ID = 0xffff_ffff;

/** A wrong name is an invalid argument, so a TypeError; the code is for callers that only check codes. */
export interface NameError extends TypeError {
  readonly code: "IPC_NAME_INVALID";
}

/**
 * Returns if `name` can name a server: 1 to 64 characters of `A-Z a-z 0-9 . _ -`, the first a letter or a digit, without `..`.
 * The name becomes part of a path, and in golang-ipc `../x` leaves the directory.
 *
 * @param option the option that holds the name, for the error message
 * @throws TypeError with the code `IPC_NAME_INVALID`
 */
export function assertName(name: unknown, option = "name"): asserts name is string {
  if (typeof name === "string" && NAME.test(name) && !name.includes("..")) return;
  const takes = "1 to 64 characters out of A-Z a-z 0-9 . _ -, the first a letter or a digit, without `..`";
  const message =
    name === ""
      ? `\`${option}\` cannot be an empty string; it takes ${takes}`
      : `\`${option}\` takes ${takes}, got ${formatValue(name)}`;
  throw Object.assign(new TypeError(message), { code: "IPC_NAME_INVALID" } as const) satisfies NameError;
}

/**
 * Returns golang-ipc's name of an endpoint: `<name>`, `<name>_manager` or `<name><id>`.
 *
 * @throws TypeError with the code `IPC_NAME_INVALID`
 * @throws RangeError for a slot's id outside 1 … 2^32-1
 * @see golang-ipc connect_unix.go, pool.go
 */
export function endpointName(name: string, endpoint: Endpoint): string {
  assertName(name);
  switch (endpoint.kind) {
    case "name":
      return name;
    case "manager":
      return `${name}_manager`;
    case "slot":
      assertInteger(endpoint.id, "endpoint.id", 1, MAX_SLOT_ID);
      return `${name}${endpoint.id}`;
  }
}

/**
 * Returns the names of the managers that may have a slot with this name: `a1`, whose slot 2 it may be, and `a`, whose slot 12 it
 * may be, for `a12`.
 */
export function managersOfSlot(name: string): string[] {
  const managers: string[] = [];
  for (let cut = name.length - 1; cut > 0 && /\d/.test(name.charAt(cut)); cut--) {
    if (name.charAt(cut) !== "0" && Number(name.slice(cut)) <= MAX_SLOT_ID) managers.push(name.slice(0, cut));
  }
  return managers;
}

/** Returns the error of a server that cannot listen at its name, which may be a slot of a manager that listens. */
export function slotNameError(address: string, manager: string, cause?: unknown): TransportError {
  return new TransportError(
    "IPC_ADDRESS_IN_USE",
    `a server already listens at ${address}, or it is a slot of manager \`${manager}\`, which listens; stop that server or manager, or choose another name`,
    { cause },
  );
}

/** Returns how many bytes of a path fit into `sockaddr_un`: its field, which is shorter on the BSDs and macOS, less the NUL. */
export function maxPathBytes(platform: NodeJS.Platform): number {
  return platform === "linux" || platform === "android" ? 107 : 103;
}

/**
 * Returns `<directory>/<endpoint name>.sock`.
 *
 * @throws TransportError `IPC_PATH_TOO_LONG`, because Node would silently truncate the path and use another file
 */
export function socketPath(directory: string, name: string, endpoint: Endpoint, platform: NodeJS.Platform): string {
  const path = posix.join(directory, `${endpointName(name, endpoint)}.sock`);
  const bytes = Buffer.byteLength(path);
  const most = maxPathBytes(platform);
  if (bytes > most) {
    throw new TransportError(
      "IPC_PATH_TOO_LONG",
      `socket path too long: ${path} has ${bytes} bytes, limit ${most} on ${platform}; use a shorter \`directory\` or name`,
    );
  }
  return path;
}

/** Returns `\\.\pipe\<endpoint name>`, which has room for any name. */
export function pipePath(name: string, endpoint: Endpoint): string {
  return `\\\\.\\pipe\\${endpointName(name, endpoint)}`;
}

/** Returns `host:port`, an IPv6 host in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
