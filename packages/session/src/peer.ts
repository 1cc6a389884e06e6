import type { AbortOptions } from "@ipc/transport";
import type { IpcError } from "./errors.js";
import type { DataMessage, Status, StatusMessage, TimeoutMessage, WriteOptions } from "./message.js";
import type { ConnectionSecurity } from "./security.js";

/** Tells that a session goes on over another connection. */
export interface ResumedNews {
  /** How many messages were sent again, because the old connection may have lost them. */
  readonly sentAgain: number;
  /** For how long the session had no connection, in milliseconds. */
  readonly awayMs: number;
}

/** Counters since the start, over all connections of this peer. */
export interface PeerStats {
  readonly messagesReceived: number;
  /** Messages that a connection has accepted, even if it ended before it sent them. */
  readonly messagesSent: number;
  /** Bytes of data, without framing, like `bytesSent`. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Bytes accepted and not yet with the kernel, including framing. */
  readonly queuedBytes: number;
  /** Bytes received and not yet read: data, plus 160 for each message. */
  readonly unreadBytes: number;
  /**
   * Writes that were rejected before `destroy` and that nothing has awaited: messages lost without a caller that knows. One that is
   * awaited later is no longer counted.
   */
  readonly unawaitedRejections: number;
  /** Number of connections after the first, without those that resumed a session. */
  readonly reconnects: number;
  /** Number of connections that resumed a session. */
  readonly resumes: number;
  /** Messages of the current session that the peer has not received, as far as it has told; 0 without resume. */
  readonly unacknowledgedMessages: number;
  /** Their bytes, with 8 bytes of framing each. */
  readonly unacknowledgedBytes: number;
}

/** A listener that throws, or whose promise rejects, ends the connection that it was called for: IPC_LISTENER_FAILED. */
export interface PeerEvents {
  /**
   * Emitted for each data message. A listener consumes messages as they arrive; `pause()` holds them back. A message is handled when
   * every listener has returned, and every promise that one returned has settled.
   */
  message: [message: DataMessage];
  /**
   * Emitted when every message received before the change was taken, and the `message` listeners have returned. A server with a
   * listener or an iteration emits Connected when `write` reaches the new client, or before that client's first message. A peer
   * that has ended emits it at once if it has no listener and no iteration, or was destroyed.
   */
  status: [status: Status];
  /**
   * Emitted when a connection ends without a request of this side; a client redials. Other peers emit none when the peer closed
   * and nothing was lost. With resume in force it is emitted when the session ends instead, and the error is a SessionLostError with the
   * messages that did not arrive; a client that has a new connection by then can write them again at once.
   */
  lost: [error: IpcError];
  /** Emitted after Connected when a session goes on over another connection: no message was lost, in either direction. */
  resumed: [news: ResumedNews];
  /**
   * Emitted when nothing has arrived for 4 × `heartbeatMs`, and three PINGs were not answered: the peer stands still, or the network
   * is gone. The connection stays. A golang-ipc peer is silent when it has nothing to send, because it is sent no PINGs. The time in
   * which this process was busy, or did not read, is not part of `silenceMs`.
   */
  silent: [silenceMs: number];
  /** Emitted after `silent` when bytes arrive, before the messages in them; not if the connection ends instead. */
  responsive: [silenceMs: number];
  /**
   * Emitted when the other side starts to drain, at most once for each connection: it will close. Finish what you write, and
   * start nothing new on this connection. Only @ipc peers announce it, in a secure session or without encryption.
   */
  draining: [];
  /** Emitted at most once, on final failure; `close` follows. Without a listener, the error is not thrown. */
  error: [error: IpcError];
  /** Emitted exactly once; no event follows. */
  close: [];
}

export interface CloseOptions {
  /** Maximum time to send accepted messages, in milliseconds, 0 … 2 147 483 647. @default 5000 */
  readonly timeoutMs?: number;
}

export interface DrainOptions {
  /** Maximum time until the close begins, in milliseconds, 0 … 2 147 483 647. @default 5000 */
  readonly timeoutMs?: number;
}

/** Exchanges messages with the other side, over successive connections. */
export interface Peer<E extends PeerEvents = PeerEvents> extends AsyncIterable<DataMessage>, AsyncDisposable {
  /** Adds a listener. @throws TypeError; SessionError IPC_CONSUMER_TAKEN, for `message` */
  on<K extends keyof E>(event: K, listener: (...args: Extract<E[K], unknown[]>) => unknown): this;
  once<K extends keyof E>(event: K, listener: (...args: Extract<E[K], unknown[]>) => unknown): this;
  off<K extends keyof E>(event: K, listener: (...args: Extract<E[K], unknown[]>) => unknown): this;
  /**
   * Resolves with the next message or status. Concurrent reads are served in order.
   * Rejects with IPC_ABORTED, IPC_CONSUMER_TAKEN; IPC_CLOSED after the end, or the final failure.
   */
  read(options?: AbortOptions): Promise<DataMessage | StatusMessage>;
  /** Like `read`, but resolves with `timeoutMessage`, or `onTimeout`, if none comes within `ms` milliseconds. Loses none. */
  readTimed(ms: number): Promise<DataMessage | StatusMessage | TimeoutMessage>;
  readTimed<T>(ms: number, onTimeout: T, options?: AbortOptions): Promise<DataMessage | StatusMessage | T>;
  /**
   * Sends a message. Resolves when it is accepted in order and the queue is within its budget; with about 64 KiB of data or
   * more, when the kernel has it. The caller may reuse `data` from then on, and data of less than 65 472 bytes at once.
   * A message that was not accepted when the signal aborts is never sent. One that was is still sent: in an encrypted session as it
   * is then; in a plain one leave data of 65 472 bytes or more as it is until `flush` resolves.
   * @param type 1 … 2^32-1; 0 is reserved
   * Rejects with TypeError, RangeError, IPC_MESSAGE_TOO_LARGE, IPC_NOT_CONNECTED, IPC_QUEUE_FULL, IPC_PEER_CLOSED,
   * IPC_CONNECTION_LOST, IPC_CLOSED, IPC_ABORTED. A server's rejects with IPC_CONNECTION_LOST while messages of an earlier client are
   * being handled: answer a message by its `reply`.
   */
  write(type: number, data: string | Uint8Array, options?: WriteOptions): Promise<void>;
  writeMessage(
    message: { readonly type: number; readonly data: string | Uint8Array },
    options?: WriteOptions,
  ): Promise<void>;
  /** Resolves when the kernel has every message written before; with `until: "taken"`, when the other application has them. */
  flush(options?: WriteOptions): Promise<void>;
  /**
   * Sends the accepted messages, then ends the connection and frees all resources. Idempotent, allowed in every state. With resume in
   * force it waits until the peer has received all of them.
   * Rejects with IPC_CLOSE_INCOMPLETE if that takes longer than `timeoutMs`, or the connection is cut; all resources are freed then too.
   */
  close(options?: CloseOptions): Promise<void>;
  /**
   * Finishes what is under way, then closes: accepts no further connection, and tells an @ipc peer, which emits `draining`. Messages
   * are still delivered and sent until the peer has closed, `timeoutMs` is over, or the connection was idle for 250 ms: nothing
   * arrived, every message was handled, and no write is queued. A message is handled when its listeners are done, or when its
   * reader or iteration asks for the next one; messages that nothing reads do not count. Without a connection it closes once the
   * messages are handled. Idempotent: a second call returns the same promise. `close` and `destroy` end the wait.
   * Rejects with TypeError, RangeError, and with IPC_CLOSE_INCOMPLETE as `close` does, which gets the rest of `timeoutMs`, and at
   * least 250 ms; also when the connection ends before everything is sent, and with resume in force, received.
   */
  drain(options?: DrainOptions): Promise<void>;
  /** Ends the peer at once and drops queued messages. Waits reject with IPC_CLOSED, whose cause is `reason`. */
  destroy(reason?: unknown): void;
  /** Holds messages back from 'message' listeners; above `maxUnreadBytes`, the peer's writes wait. */
  pause(): this;
  resume(): this;
  /** Keeps the process alive while connected or waiting for a connection (the default). */
  ref(): this;
  /** Lets the process exit while this peer is open. */
  unref(): this;
  /** The name that the server listens at, or that the client dials; of a session, its option `name`, or "stream". */
  readonly name: string;
  readonly status: Status;
  /** golang-ipc's number of `status`. */
  readonly statusCode: number;
  /**
   * Security of the current or last connection; before the first, what the options request. A server's is that of the earlier
   * client while that one's messages are being handled. `message.security` is that of the message's own connection.
   */
  readonly security: ConnectionSecurity;
  /** The peer's address, or the socket's address if the peer has none; of the same connection as `security`. */
  readonly remote: string;
  readonly stats: PeerStats;
}
