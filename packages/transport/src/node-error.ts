import { assertNotAborted, TransportError } from "./transport-error.js";

/** The failed operation: it selects the code and appears in the message. */
export interface Attempt {
  readonly doing: "dial" | "listen";
  readonly address: string;
  /** The next step when the operating system denies access. */
  readonly whenDenied: string;
  readonly signal: AbortSignal | undefined;
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
  assertNotAborted(attempt.signal, doing === "dial" ? `dialling ${address}` : `listening at ${address}`);
  const errno = errnoOf(cause);
  if (errno === undefined) throw cause;
  switch (errno) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      throw new TransportError(
        "IPC_PERMISSION_DENIED",
        `this user may not ${doing === "dial" ? "connect to" : "listen at"} ${address} (${errno}); ${attempt.whenDenied}`,
        { cause },
      );
    case "ENOENT":
    case "ECONNREFUSED":
      if (doing === "listen") break;
      throw new TransportError(
        "IPC_NO_SERVER",
        `no server listens at ${address} (${errno}); start the server, or check that both sides use the same address`,
        { cause },
      );
    case "EADDRINUSE":
      if (doing === "dial") break;
      throw new TransportError(
        "IPC_ADDRESS_IN_USE",
        `${address} is in use by another server (${errno}); stop that server, or choose another name or port`,
        { cause },
      );
  }
  // EAGAIN (the backlog is full), ETIMEDOUT, EMFILE and similar errors: another attempt may succeed.
  const what = doing === "dial" ? "connecting to" : "listening at";
  throw new TransportError("IPC_TRANSPORT_FAILED", `${what} ${address} failed: ${messageOf(cause)}`, { cause });
}

/** Returns the message of an error of a system call. */
export function messageOf(cause: unknown): string {
  // Node's AggregateError, one error for each address of a host, has no message of its own.
  const message = typeof cause === "object" && cause !== null && "message" in cause ? String(cause.message) : "";
  // The paths of descriptors (HeldEntry) mean nothing outside the process; the address is named before.
  return (message || String(errnoOf(cause))).replace(/(?: ->)? '?\/proc\/self\/fd\/\d+(?:\/[^\s']*)?'?/g, "");
}
