/** Everything that the doctor knows to be wrong, and why it matters. */
export const PROBLEMS = {
  "no-server": "Clients have nothing to connect to, and get IPC_NO_SERVER.",
  "stale-socket": "A server that was killed has left its file. Clients get IPC_NO_SERVER.",
  "socket-removed":
    "A server runs, and no client can find it: the name of its socket file is gone, or is another server's now.",
  "name-taken":
    "A server of yours cannot start under this name, and gets IPC_ADDRESS_IN_USE; it never removes what is not its own.",
  "wrong-owner":
    "Its owner decides what is behind it. Clients and servers of yours reject it with IPC_UNTRUSTED_SOCKET.",
  "writable-directory":
    "Other users can exchange what lies in it, and pose as your server. Clients and servers reject it with IPC_UNTRUSTED_SOCKET.",
  "no-directory": "A socket file needs a directory. Clients and servers get IPC_TRANSPORT_FAILED.",
  "path-too-long":
    "The kernel has no room for more. Node.js would cut the path off and use another file, so both sides reject it with IPC_PATH_TOO_LONG.",
  "no-permission":
    "To connect, a user needs the right to search the directories and to write to the socket file. Clients get IPC_PERMISSION_DENIED.",
  "encryption-mismatch": "One side demands encryption and the other has none. Both get IPC_ENCRYPTION_REFUSED.",
  "version-mismatch": "The two sides speak different protocols, and the handshake ends with IPC_VERSION_MISMATCH.",
  "security-mismatch":
    "One side demands a proof that the other cannot give, so no message is exchanged. The event refused of the server has the reason too.",
  "key-missing": "Without the key, this side cannot prove that it may connect.",
  "key-not-private":
    "Other users may know or replace the key, so it proves nothing. The library rejects such a key file with IPC_KEY_FILE_UNTRUSTED.",
  "slot-of-manager":
    "A manager with clients that request ids listens at its name and a number. A server of this name and such a client take each other's place.",
  "single-client-server":
    "It serves one client at a time: a golang-ipc server without MultiClient leaves others waiting, and an @ipc server tells them that it is busy.",
  "no-answer":
    "The server accepts connections and does not take part in the handshake: it is stuck, or speaks another protocol.",
  "handshake-failed": "The server ends the connection before a message can be sent.",
} as const satisfies Record<string, string>;

export type Problem = keyof typeof PROBLEMS;

/** The subject of a check. */
export type Check = "path" | "directory" | "socket" | "lock" | "manager" | "key" | "handshake";

/** The result of one check. The keys are those of `--json`, which has `why` besides. */
export interface Finding {
  readonly check: Check;
  /** `warning`: it works, and may surprise. */
  readonly state: "ok" | "warning" | "failed";
  /** Null for `ok`. */
  readonly problem: Problem | null;
  /** The file, or another address. */
  readonly path: string;
  /** The facts: owners, modes, figures. */
  readonly seen: string;
  /** The command or the option that mends it; null for `ok`. */
  readonly mend: string | null;
}

/** Makes the result of a check that found nothing wrong. */
export function good(check: Check, path: string, seen: string): Finding {
  return { check, state: "ok", problem: null, path, seen, mend: null };
}

/** Makes the result of a check that found a problem. */
export function bad(check: Check, problem: Problem, path: string, { seen, mend }: Explanation): Finding {
  return { check, state: "failed", problem, path, seen, mend };
}

/** A cause that was seen, and its remedy. */
export interface Explanation {
  readonly seen: string;
  readonly mend: string;
}

/** Splits a message of the library, `what failed: facts with figures; next step`. */
export function explain({ message }: Error): Explanation {
  const at = message.indexOf("; ");
  return at < 0
    ? { seen: message, mend: "see the message" }
    : { seen: message.slice(0, at), mend: message.slice(at + 2) };
}
