import type { Duplex } from "node:stream";
import type { HandshakeOutcome } from "../handshake/handshake.js";
import type { ConnectionSecurity } from "../peer.js";
import type { SharedBudget } from "../shared-budget.js";
import type { Status } from "../status.js";

/** The limits of a peer, resolved. */
export interface PeerLimits {
  /** Bytes of data of one received message. */
  readonly maxMessageSize: number;
  readonly maxQueuedBytes: number;
  readonly maxUnreadBytes: number;
  /** How long the event loop does not sleep after something was sent. */
  readonly busyPollUs: number;
}

/** What a peer shares with others: bytes unread and bytes queued. */
export interface PeerBudgets {
  readonly unread: SharedBudget;
  readonly queued: SharedBudget;
}

export interface PeerStart {
  readonly limits: PeerLimits;
  readonly budgets?: PeerBudgets;
  readonly status: Status;
  readonly remote: string;
  readonly security: ConnectionSecurity;
}

/** A connection whose handshake is complete. */
export interface EstablishedConnection {
  readonly stream: Duplex;
  readonly outcome: HandshakeOutcome;
  /** What came behind the handshake. */
  readonly rest: Uint8Array;
  readonly remote: string;
}
