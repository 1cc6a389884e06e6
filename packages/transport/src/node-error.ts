import type { Cluster } from "node:cluster";
import { assertNotAborted, TransportError } from "./transport-error.js";

/** The failed operation: it selects the code and appears in the message. */
export interface Attempt {
  readonly doing: "dial" | "listen" | "clear";
  readonly address: string;
  /** The next step when the operating system denies access. */
  readonly whenDenied: string;
  readonly signal: AbortSignal | undefined;
}

/** How messages name an operation: before "failed", after "may not", and before "was aborted". */
const WORDS = {
  dial: { doing: "connecting to", mayNot: "connect to", aborted: "dialling" },
  listen: { doing: "listening at", mayNot: "listen at", aborted: "listening at" },
  clear: { doing: "removing sockets from", mayNot: "remove sockets from", aborted: "removing sockets from" },
} as const;

/** A cluster shares the addresses of servers of Node's among its workers, and users may expect it here. */
const IN_CLUSTER =
  "; this process is a worker of a cluster, and workers cannot share a name: let one process serve all clients with startServerManager, or give each worker a name of its own";

/** Loads the module when it is needed: it brings node:child_process and node:dgram, and every client would wait for them. */
function isClusterWorker(): boolean {
  // Its types describe the ES module.
  return (process.getBuiltinModule("node:cluster") as unknown as Cluster).isWorker;
}

/** Codes of the system and of the resolver have this form; Node's own codes start with `ERR_`. */
const ERRNO = /^(?:E[A-Z0-9]+|EAI_[A-Z]+)$/;

/**
 * Returns the code of an error: Node's, the system's or the library's. Errors are judged by their properties, because those of
 * `node:fs` and `node:net` are no `instanceof Error` in another realm, such as a test environment makes for each file.
 */
export function codeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Returns the errno name (`ENOENT`) that an error of a system call carries. */
export function errnoOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && ERRNO.test(code) ? code : undefined;
}

/**
 * Throws the error of a failed dial or listen. A failure after the signal was aborted counts as the abort; an error that is not
 * the system's (a `TransportError`, an invalid argument) passes unchanged.
 *
 * @throws TransportError `IPC_ABORTED`, `IPC_NO_SERVER`, `IPC_ADDRESS_IN_USE`, `IPC_PERMISSION_DENIED` or
 * `IPC_TRANSPORT_FAILED`, with the system's error as its cause
 */
export function throwTransportError(cause: unknown, attempt: Attempt): never {
  const { doing, address } = attempt;
  const words = WORDS[doing];
  assertNotAborted(attempt.signal, `${words.aborted} ${address}`);
  if (codeOf(cause) === "IPC_ADDRESS_IN_USE" && isClusterWorker()) {
    throw new TransportError("IPC_ADDRESS_IN_USE", `${messageOf(cause)}${IN_CLUSTER}`, { cause });
  }
  const denial = denialOf(cause, attempt.whenDenied);
  if (denial !== undefined) {
    const message = `this process may not ${words.mayNot} ${address} ${denial}`;
    throw new TransportError("IPC_PERMISSION_DENIED", message, { cause });
  }
  const errno = errnoOf(cause);
  if (errno === undefined) throw cause;
  switch (errno) {
    case "ENOENT":
    case "ECONNREFUSED":
      if (doing !== "dial") break;
      throw new TransportError(
        "IPC_NO_SERVER",
        `no server listens at ${address} (${errno}); start the server, or check that both sides use the same address`,
        { cause },
      );
    case "EADDRINUSE":
      if (doing === "dial") break;
      throw new TransportError(
        "IPC_ADDRESS_IN_USE",
        `${address} is in use by another server (${errno}); stop that server, or choose another name or port${isClusterWorker() ? IN_CLUSTER : ""}`,
        { cause },
      );
  }
  // EAGAIN (the backlog is full), ETIMEDOUT, EMFILE and similar errors: another attempt may succeed.
  const message = `${words.doing} ${address} failed: ${messageOf(cause)}${nextStep(errno)}`;
  throw new TransportError("IPC_TRANSPORT_FAILED", message, { cause });
}

/**
 * Returns in which words access is denied, and the next step; undefined for an error of another kind.
 *
 * @param whenDenied the next step when the operating system denies access to this user
 */
export function denialOf(cause: unknown, whenDenied: string): string | undefined {
  const code = codeOf(cause);
  switch (code) {
    case "EACCES":
    case "EPERM":
      return `(${code}); ${whenDenied}`;
    case "EROFS":
      return "(EROFS), because its filesystem is read-only; choose a place on another filesystem";
    case "ERR_ACCESS_DENIED":
      return `(${code}: ${messageOf(cause)}); start Node.js with --allow-fs-read=*, --allow-fs-write for its directory and for /proc, and --allow-net where this version has it`;
    case undefined:
      break;
  }
  // Deno's errors have a name and no code.
  const name = typeof cause === "object" && cause !== null && "name" in cause ? cause.name : undefined;
  if (name !== "NotCapable" && name !== "PermissionDenied") return undefined;
  return `(${name}: ${messageOf(cause)}); start Deno with --allow-read and --allow-write for its directory, or --allow-net for its port, or ${whenDenied}`;
}

/** Returns the next step after an error of a system call, with "; " before it; empty if only the message helps. */
export function nextStep(errno: string): string {
  switch (errno) {
    case "EMFILE":
      return "; this process has too many open files: close some, or raise its limit (`ulimit -n`)";
    case "ENFILE":
      return "; the system has too many open files: end other processes, or raise its limit (`sysctl fs.file-max`)";
    case "ENOSPC":
    case "EDQUOT":
      return "; the filesystem has no space or no inodes left (`df`, `df -i`), or this user's quota is used up: free some, or choose a place on another filesystem";
    case "EBADF":
    case "EINVAL":
    case "ENOTSOCK":
      return "; check that the address is that of a socket, and a descriptor that of a listening one";
    case "ENOTDIR":
    case "ELOOP":
      return "; check each directory and link of the path";
    case "ENOENT":
      return "; a directory of the path does not exist: create it, or choose another one";
    case "EADDRNOTAVAIL":
      return "; this machine has no such address: check the host";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "; the name of the host is not known: check it, and the network";
    case "EAGAIN":
      return "; the server's queue of new connections is full: dial again";
    default:
      return "";
  }
}

/** Returns the message of an error of a system call. */
export function messageOf(cause: unknown): string {
  // Node's AggregateError, one error for each address of a host, has no message of its own.
  const message = typeof cause === "object" && cause !== null && "message" in cause ? String(cause.message) : "";
  // The paths of descriptors (HeldEntry) mean nothing outside the process; the address is named before.
  return (message || String(errnoOf(cause))).replace(/(?: ->)? '?\/proc\/self\/fd\/\d+(?:\/[^\s']*)?'?/g, "");
}
