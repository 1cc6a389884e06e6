import type { Connection } from "../connection/connection.js";
import type { WriteQueue } from "../connection/write-queue.js";
import { SessionError } from "../errors.js";
import type { Status } from "../message.js";
import type { ConnectionOrigin } from "./connection-origin.js";

export interface Connected {
  readonly name: "connected";
  readonly connection: Connection;
  readonly origin: ConnectionOrigin;
}

export type PeerState =
  /** Before the first connection, and with `queueWhileDisconnected` before the next one: writes are queued for it. */
  | { readonly name: "waiting"; readonly writes: WriteQueue }
  | Connected
  /** Between two connections: writes are rejected. */
  | { readonly name: "disconnected" }
  | { readonly name: "closing"; readonly connection: Connection | undefined; readonly done: Promise<void> }
  | { readonly name: "ended"; readonly done: Promise<void> };

/** Creates the error of a call that needs a connection. @param loss why the last connection has ended */
export function unreachableError(
  what: string,
  state: Exclude<PeerState["name"], "connected">,
  status: Status,
  loss: Error | undefined,
): SessionError {
  const options = loss === undefined ? {} : { cause: loss };
  switch (state) {
    case "disconnected":
      return new SessionError(
        "IPC_NOT_CONNECTED",
        `${what}: there is no connection now (status: ${status}); wait for the status Connected`,
        options,
      );
    case "waiting":
    case "closing":
    case "ended":
      return new SessionError(
        "IPC_CLOSED",
        `${what}: this peer is closed (status: ${status}); start a new one`,
        options,
      );
  }
}
