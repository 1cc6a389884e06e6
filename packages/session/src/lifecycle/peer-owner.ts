import type { EstablishedConnection } from "../codec/codec.js";
import type { SilenceNews } from "../diagnostics.js";
import type { IpcError, SessionLostError } from "../errors.js";
import type { Heartbeat } from "../heartbeat/heartbeat.js";
import type { MessageOrigin, ReceivedMessage, Status } from "../message.js";
import type { PeerLimits } from "../options/peer-options.js";
import type { ResumeStart } from "../resume/session-keeper.js";
import type { ConnectionSecurity } from "../security.js";
import type { PeerBudgets } from "../shared-budget.js";
import type { SlipReporter } from "../slip-reporter.js";

export interface PeerStart {
  readonly name: string;
  readonly limits: PeerLimits;
  readonly slips: SlipReporter;
  /** Names of its events besides those of every peer. @default none */
  readonly ownEvents?: readonly string[];
  readonly budgets?: PeerBudgets;
  /** Shared with other peers. @default one of its own */
  readonly heartbeat?: Heartbeat;
  readonly status: Status;
  readonly remote: string;
  readonly security: ConnectionSecurity;
  /**
   * Whether each connection is another peer's: then `write`, `security`, `remote` and the event for Connected pass to the next one
   * only when the messages of those before are handled. @default false: one peer, or one server, that is redialled
   */
  readonly changesPeer?: boolean;
  /** Whether and how its sessions outlive their connections. @default they do not */
  readonly resume?: ResumeStart | undefined;
}

/** The owner of a peer: supplies its connections and decides what follows the end of one. */
export interface PeerOwner {
  /** Whether writes between two connections wait for the next one. @default false */
  readonly queueWhileDisconnected?: boolean;
  /** Called when a connection ended without a request of this side; decides what follows. */
  readonly onDisconnected: (error: IpcError, clean: boolean, connection: MessageOrigin) => void;
  /** Called when the connection of a session was cut; the session waits for another one. */
  readonly onDetached?: (error: IpcError, connection: MessageOrigin) => void;
  /** Called when a session without a connection has ended: nothing resumes it any more. */
  readonly onExpired?: (error: SessionLostError, connection: MessageOrigin) => void;
  /** Called when a connection is established, before any event reports it; also when it resumes a session. */
  readonly onConnected?: (connection: MessageOrigin, established: EstablishedConnection) => void;
  /** Called when this side has ended the connection, or the session that has lost it: `onDetached` has reported that then (`isCut`). */
  readonly onClosed?: (connection: MessageOrigin, isCut: boolean) => void;
  /** Called before `silent` and `responsive` are emitted. */
  readonly onSilence?: (news: SilenceNews, connection: MessageOrigin) => void;
  /** Called at the start of every `destroy`. */
  readonly onDestroy?: (reason: unknown) => void;
  /** Called with each message instead of delivering it. */
  readonly intercept?: ((message: ReceivedMessage) => void) | undefined;
  /** Called when a drain begins: no further connection is wanted. Must not throw. */
  readonly stopAccepting?: () => void;
  /** Whether something else than this peer's own consumer takes the messages, or is likely to. @default false */
  readonly isConsumed?: () => boolean;
  /** Sets whether the source of connections keeps the process alive. */
  readonly setReferenced?: (referenced: boolean) => void;
  /** Releases the source of connections: a listener, a dial in progress. Called once; must not fail. */
  readonly release?: () => Promise<void>;
}
