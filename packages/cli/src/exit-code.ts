import type { IpcErrorCode } from "@ipc/client";
import type { RpcErrorCode } from "@ipc/rpc";

/** The exit codes of the command. */
export const EXIT = {
  done: 0,
  /** The other side answered with an error, or a check failed. */
  failed: 1,
  usage: 2,
  noServer: 3,
  /** Keys, encryption, version or permissions; or the server is busy, or the name is taken. */
  refused: 4,
  timeout: 5,
  /** The connection was lost: what was sent may have arrived or not. */
  lost: 6,
  hungUp: 129,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The meanings for the help and the documents, with more words after a colon or a comma. */
export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.done]: "done",
  [EXIT.failed]: "failed: the other side answered with an error, or a check failed",
  [EXIT.usage]: "usage: wrong arguments or options",
  [EXIT.noServer]: "no server",
  [EXIT.refused]: "refused: keys, encryption, version, permissions, a busy server",
  [EXIT.timeout]: "timeout",
  [EXIT.lost]: "connection lost: what was sent may have arrived or not",
  [EXIT.hungUp]:
    "ended by SIGHUP, a terminal that has closed; `nohup` does not help a program of Node.js, `setsid` does",
  [EXIT.interrupted]: "ended by SIGINT, Ctrl-C",
  [EXIT.terminated]: "ended by SIGTERM",
};

/** The exit code of each error of the library. */
export const EXIT_CODES: Readonly<Record<IpcErrorCode | RpcErrorCode, ExitCode>> = {
  IPC_ABORTED: EXIT.timeout,
  IPC_ADDRESS_IN_USE: EXIT.refused,
  IPC_AUTHENTICATION_FAILED: EXIT.refused,
  IPC_CALL_LOST: EXIT.lost,
  IPC_CIPHER_EXHAUSTED: EXIT.lost,
  IPC_CLOSED: EXIT.lost,
  IPC_CLOSE_INCOMPLETE: EXIT.lost,
  IPC_CONNECTION_LOST: EXIT.lost,
  IPC_CONSUMER_TAKEN: EXIT.failed,
  IPC_DECRYPTION_FAILED: EXIT.lost,
  IPC_ENCRYPTION_REFUSED: EXIT.refused,
  IPC_FRAME_TOO_LARGE: EXIT.lost,
  IPC_FRAME_TOO_SHORT: EXIT.lost,
  IPC_FRAME_TRUNCATED: EXIT.lost,
  IPC_HANDSHAKE_FAILED: EXIT.refused,
  IPC_HANDSHAKE_TIMEOUT: EXIT.timeout,
  IPC_KEY_FILE_UNTRUSTED: EXIT.refused,
  IPC_LISTENER_FAILED: EXIT.failed,
  IPC_LISTENER_LOST: EXIT.lost,
  IPC_MESSAGE_TOO_LARGE: EXIT.failed,
  IPC_NAME_INVALID: EXIT.usage,
  IPC_NOT_AUTHORIZED: EXIT.refused,
  IPC_NOT_CONNECTED: EXIT.lost,
  IPC_NOT_RESUMABLE: EXIT.refused,
  IPC_NO_SERVER: EXIT.noServer,
  IPC_PATH_TOO_LONG: EXIT.usage,
  IPC_PEER_CLOSED: EXIT.lost,
  IPC_PEER_GONE: EXIT.noServer,
  IPC_PERMISSION_DENIED: EXIT.refused,
  IPC_PUBLIC_KEY_INVALID: EXIT.lost,
  IPC_QUEUE_FULL: EXIT.failed,
  IPC_RECORD_INVALID: EXIT.lost,
  IPC_RECORD_TRUNCATED: EXIT.lost,
  IPC_SECURITY_REFUSED: EXIT.refused,
  IPC_SERVER_BUSY: EXIT.refused,
  IPC_SESSION_LOST: EXIT.lost,
  IPC_TIMED_OUT: EXIT.timeout,
  IPC_TRANSPORT_FAILED: EXIT.noServer,
  IPC_UNTRUSTED_SOCKET: EXIT.refused,
  IPC_VERSION_MISMATCH: EXIT.refused,
  IPC_WRITE_UNAWAITED: EXIT.failed,
};

/**
 * Returns the exit code of an error. A client that has waited for its server tells by the cause why it got no connection: that no
 * server was there, or that the last one refused.
 */
export function exitCodeOf(error: unknown): ExitCode {
  const { name, code, cause, exitCode } = error as Partial<Record<"name" | "code" | "cause" | "exitCode", unknown>>;
  if (exitCode !== undefined) return exitCode as ExitCode;
  if (typeof code !== "string" || !Object.hasOwn(EXIT_CODES, code)) {
    // A wrong option: the library names it, what it takes and what it got.
    return name === "TypeError" || name === "RangeError" ? EXIT.usage : EXIT.failed;
  }
  const ownCode = EXIT_CODES[code as keyof typeof EXIT_CODES];
  if (code !== "IPC_TIMED_OUT" || typeof cause !== "object" || cause === null) return ownCode;
  const causeCode = exitCodeOf(cause);
  return causeCode === EXIT.noServer || causeCode === EXIT.refused ? causeCode : ownCode;
}

/** Reports a failure that the command itself has found. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Reports wrong arguments: what was given, and what the command takes. */
export class UsageError extends CommandError {
  override readonly name = "UsageError";

  constructor(message: string, options?: ErrorOptions) {
    super(EXIT.usage, message, options);
  }
}
