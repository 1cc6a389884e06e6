import type { AbortOptions } from "@ipc/transport";
import type { IpcError } from "./errors.js";
import type { DataMessage, Status, StatusMessage, TimeoutMessage } from "./message.js";
import type { ConnectionSecurity } from "./security.js";

/** Counts since the start, over all connections of this peer. */
export interface PeerStats {
  readonly messagesReceived: number;
  readonly messagesSent: number;
  /** Bytes of data, without framing. */
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Accepted by `write`, not yet with the kernel. */
  readonly queuedBytes: number;
  /** Received, not yet read: data, and 160 bytes for each message. */
  readonly unreadBytes: number;
  /** Connections after the first. */
  readonly reconnects: number;
}

export interface PeerEvents {
  /** Data only. While there is a listener, messages flow; `pause()` holds them back. */
  message: [message: DataMessage];
  /** After every message that came before it. */
  status: [status: Status];
  /** A connection ended without being asked to; a client redials. */
  lost: [error: IpcError];
  /** Final failure, at most once; `close` follows. Without a listener it is not thrown. */
  error: [error: IpcError];
  /** Exactly once; nothing follows. */
  close: [];
}

export interface CloseOptions {
  /** How long accepted messages may take to leave, in milliseconds, 0 … 2 147 483 647. @default 5000 */
  readonly timeoutMs?: number;
}

/** The other side, over one connection after another. */
export interface Peer<E extends PeerEvents = PeerEvents> extends AsyncIterable<DataMessage>, AsyncDisposable {
  on<K extends keyof E>(event: K, listener: (...args: Extract<E[K], unknown[]>) => void): this;
  once<K extends keyof E>(event: K, listener: (...args: Extract<E[K], unknown[]>) => void): this;
  off<K extends keyof E>(event: K, listener: (...args: Extract<E[K], unknown[]>) => void): this;
  /**
   * Resolves with the next message or status. Several reads wait in order.
   * Rejects with IPC_ABORTED, IPC_CONSUMER_TAKEN; IPC_CLOSED after the end, or the final failure.
   */
  read(options?: AbortOptions): Promise<DataMessage | StatusMessage>;
  /** As `read`, but gives `timeoutMessage`, or `onTimeout`, when nothing comes within `ms` milliseconds. Nothing is lost. */
  readTimed(ms: number): Promise<DataMessage | StatusMessage | TimeoutMessage>;
  readTimed<T>(ms: number, onTimeout: T, options?: AbortOptions): Promise<DataMessage | StatusMessage | T>;
  /**
   * Sends a message. Resolves when it is accepted in order and the queue is under its budget; from 64 KiB of data up, when
   * the kernel has it. `data` may be reused from then on.
   * @param type 1 … 2^32-1; 0 is reserved
   * Rejects with TypeError, RangeError, IPC_MESSAGE_TOO_LARGE, IPC_NOT_CONNECTED, IPC_QUEUE_FULL, IPC_CONNECTION_LOST,
   * IPC_CLOSED, IPC_ABORTED (a message that still waited for its turn is never sent).
   */
  write(type: number, data: string | Uint8Array, options?: AbortOptions): Promise<void>;
  writeMessage(
    message: { readonly type: number; readonly data: string | Uint8Array },
    options?: AbortOptions,
  ): Promise<void>;
  /** Resolves when every message written before is with the kernel. */
  flush(options?: AbortOptions): Promise<void>;
  /**
   * Sends what was accepted, then ends the connection and frees everything. Idempotent, legal in every state.
   * Rejects with IPC_CLOSE_INCOMPLETE when that takes longer than `timeoutMs`; everything is freed then too.
   */
  close(options?: CloseOptions): Promise<void>;
  /** Ends everything at once; what is queued is dropped. Waits reject with IPC_CLOSED, its cause is `reason`. */
  destroy(reason?: unknown): void;
  /** Holds messages back from 'message' listeners; past `maxUnreadBytes` the peer's writes wait. */
  pause(): this;
  resume(): this;
  /** Keeps the process alive while connected or waiting for a connection (the default). */
  ref(): this;
  /** Lets the process end although this peer is open. */
  unref(): this;
  readonly status: Status;
  /** golang-ipc's number of `status`. */
  readonly statusCode: number;
  /**
   * Of the connection of this moment, or of the last one; before the first: what the options ask for. MessageQueue messages may
   * come from the one before, whose peer was another: with `read`, the statuses between them say where the next one begins.
   */
  readonly security: ConnectionSecurity;
  /** The other end's address where there is one, else the address of the socket; of the same connection as `security`. */
  readonly remote: string;
  readonly stats: PeerStats;
}
