/** What the runner asks of a process that owns a socket file, or wants to. */
export type OwnerOrder =
  | ({ readonly kind: "listen"; readonly directory: string } & ListenHow)
  /** Close the server, if there is one; not before `at`. */
  | { readonly kind: "close"; readonly at: number }
  /** Connect a client, and have something echoed. */
  | { readonly kind: "dial"; readonly directory: string; readonly trustedOwners: readonly number[] }
  /** Listen as a server does that leaves the socket's mode to the umask. */
  | { readonly kind: "listen carelessly"; readonly path: string; readonly umask: number };

/** How a server is started. */
export interface ListenHow {
  readonly unmaskPermissions?: boolean;
  /** Of the whole process. @default 0o022 */
  readonly umask?: number;
  /** Not before this time of `clock`. @default at once */
  readonly at?: number;
}

/** What such a process tells. */
export type OwnerNews =
  | { readonly kind: "ready" }
  /** `ok`, or the code of the error. */
  | { readonly kind: "done"; readonly outcome: string }
  | { readonly kind: "broken"; readonly message: string };

/** The name of the servers whose socket files are fought over. */
export const NAME = "owner";
export const SOCKET: string = `${NAME}.sock`;
