import type { EstablishedConnection } from "../codec/codec.js";
import type { UnawaitedWrites } from "../connection/unawaited-writes.js";
import { Deferred, handledRejection, settleWithin } from "../deferred.js";
import { type IpcError, notResumableError, SessionError } from "../errors.js";
import type { EndKind } from "../inbox/message-source.js";
import type { Status, WriteOptions } from "../message.js";
import { validateWrite, validateWriteOptions } from "../options/call-arguments.js";
import type { PeerEvents, PeerStats } from "../peer.js";
import type { ResumeClaim } from "../resume/resume-request.js";
import type { ConnectionSecurity } from "../security.js";
import { Drain, DrainMembers } from "./drain.js";
import { PeerConnections } from "./peer-connections.js";
import type { PeerOwner, PeerStart } from "./peer-owner.js";
import type { PeerReader } from "./peer-reader.js";
import { accountOf, type Connected, type Detached, describeUndone } from "./peer-state.js";

const DONE: Promise<void> = Promise.resolve();

/** Implements the methods of a peer: sends over one connection after another, and receives into one reader. */
export class PeerCore<E extends PeerEvents = PeerEvents> {
  readonly name: string;
  readonly drainMembers: DrainMembers = new DrainMembers();
  readonly #owner: PeerOwner;
  readonly #connections: PeerConnections<E>;
  #drain: Drain | undefined;

  constructor(start: PeerStart, owner: PeerOwner) {
    this.name = start.name;
    this.#owner = owner;
    this.#connections = new PeerConnections<E>(start, owner);
  }

  get reader(): PeerReader<E> {
    return this.#connections.reader;
  }

  get unawaited(): UnawaitedWrites {
    return this.#connections.unawaited;
  }

  get security(): ConnectionSecurity {
    return this.#connections.current.security;
  }

  get remote(): string {
    return this.#connections.current.remote;
  }

  get stats(): PeerStats {
    return this.#connections.stats;
  }

  /** False once the peer is closing, closed or failed. */
  get isOpen(): boolean {
    return this.#connections.isOpen;
  }

  get isDraining(): boolean {
    return this.#drain !== undefined;
  }

  get isConnected(): boolean {
    return this.#connections.connected !== undefined;
  }

  /** Whether a write is accepted without waiting. */
  get isFree(): boolean {
    return accountOf(this.#connections.state).sender?.isFree ?? false;
  }

  /** The same, or a write waits only until a large one before it is encoded. */
  get hasRoom(): boolean {
    return accountOf(this.#connections.state).sender?.isWithinBudget ?? false;
  }

  get isReferenced(): boolean {
    return this.#connections.isReferenced;
  }

  write(type: number, data: string | Uint8Array, options: WriteOptions | undefined): Promise<void> {
    const connections = this.#connections;
    const { origin } = connections;
    if (origin !== undefined && !connections.earlier.isHolding) return origin.reply(type, data, options);
    return this.#queue(type, data, options);
  }

  /** Queues a write for the next connection, or rejects it. */
  #queue(type: number, data: string | Uint8Array, options: WriteOptions | undefined): Promise<void> {
    const connections = this.#connections;
    const { state } = connections;
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const fault = validateWrite(type, bytes, connections.maxSendSize) ?? validateWriteOptions("write", options);
    if (fault !== undefined) return this.unawaited.reject(fault);
    if (state.name !== "waiting") return this.unawaited.reject(connections.unreachable("write"));
    if (options?.until !== undefined) return this.unawaited.reject(notResumableError("write"));
    return state.writes.write(type, bytes, options?.signal);
  }

  flush({ signal, until }: WriteOptions = {}): Promise<void> {
    const connections = this.#connections;
    const { state } = connections;
    const { sender, session } = accountOf(state);
    const isThere = state.name === "connected" || state.name === "detached" || state.name === "waiting";
    if (!isThere || connections.earlier.isHolding) return handledRejection(connections.unreachable("flush"));
    if (until !== undefined && session === undefined) return handledRejection(notResumableError("flush"));
    if (sender !== undefined) return sender.flush(signal, until);
    return state.writes.size === 0 ? DONE : state.writes.flush(signal);
  }

  /** Announces the end, and closes when the connection is idle. Returns the same promise each time. */
  drain(timeoutMs: number): Promise<void> {
    if (this.#drain !== undefined || !this.isOpen) return this.#drain?.done ?? this.close(timeoutMs);
    const connections = this.#connections;
    const activity = { received: () => connections.progress, isBusy: () => this.#isBusy };
    const close = async (ms: number): Promise<void> => {
      await this.close(ms);
      if (connections.undone !== undefined) throw connections.undone;
    };
    this.#drain = new Drain(activity, { timeoutMs, close });
    this.#owner.stopAccepting?.();
    connections.stop("this side drains");
    connections.connected?.connection.announceDraining();
    this.drainMembers.onDrain();
    return this.#drain.done;
  }

  close(timeoutMs: number): Promise<void> {
    const connections = this.#connections;
    const { state, connected } = connections;
    if (state.name === "closing" || state.name === "ended") return state.done;
    const done = new Deferred<void>({ what: "close", onCancel: () => {} });
    const error = (): SessionError => connections.unreachable("write");
    const left = "origin" in state ? state : undefined;
    const undone = state.name === "detached" ? describeUndone("close", state) : undefined;
    const { connection, session } = connected ?? {};
    connections.enter({ name: "closing", connection, session, done: done.promise }, error);
    done.resolve(this.#close(left, timeoutMs, undone));
    this.setStatus("Closing");
    this.#drain?.stop();
    return done.promise;
  }

  destroy(reason: unknown): void {
    this.#owner.onDestroy?.(reason);
    this.unawaited.stop();
    const { state } = this.#connections;
    const error = (): SessionError => new SessionError("IPC_CLOSED", "this peer was destroyed", { cause: reason });
    if (state.name === "closing") state.connection?.destroy(error());
    else if (state.name !== "ended") this.#end("Closed", "destroyed", error);
    this.#drain?.stop();
  }

  /** Sets whether the connections and their source keep the process alive; timers never do. */
  setReferenced(referenced: boolean): void {
    this.#connections.setReferenced(referenced);
    this.#owner.setReferenced?.(referenced);
  }

  setStatus(status: Status): void {
    this.reader.setStatus(status);
  }

  /**
   * Ends the current connection with `error`, because its key was withdrawn; `onDisconnected` follows, unless it is closing. Ends a
   * session that waits for its next connection.
   */
  refuse(error: IpcError): void {
    const { state } = this.#connections;
    if (state.name === "detached") this.#connections.evict(error.message, true);
    if ("connection" in state) state.connection?.refuse(error);
  }

  /** Begins an attempt to continue the session; undefined if none waits for a connection. Each is followed by `connect` or `unclaim`. */
  claim(): ResumeClaim | undefined {
    return this.#connections.claim();
  }

  unclaim(): void {
    this.#connections.unclaim();
  }

  /** Ends a session that has no connection. */
  evict(why: string): void {
    this.#connections.evict(why);
  }

  /** Takes over a new connection. Returns false if the peer no longer needs one; its stream is then destroyed. */
  connect(established: EstablishedConnection): boolean {
    return this.#connections.connect(established);
  }

  /** Ends the peer for good. With an error, every wait rejects with it and `error` is emitted. */
  finish(status: Status, error?: IpcError): void {
    if (!this.isOpen) return;
    // The loss is emitted before the end, which may follow from it.
    this.evict(error?.message ?? "this side has ended");
    if (!this.isOpen) return;
    const ending = (): IpcError => error ?? this.#connections.unreachable("read");
    this.#end(status, error === undefined ? "done" : "failed", ending);
  }

  /** Whether a message waits for its consumer, its step is not over, a layer has work, or a write is queued. */
  get #isBusy(): boolean {
    const { unreadBytes, consumer } = this.reader;
    if (unreadBytes > 0 && (consumer.isConsuming || this.#owner.isConsumed?.() === true)) return true;
    const { isHandling, connected } = this.#connections;
    return this.drainMembers.isBusy || isHandling || (connected?.connection.sender.queuedBytes ?? 0) > 0;
  }

  /** The part before the first `await` runs before `close` returns, so nothing is delivered after that. */
  async #close(left: Connected | Detached | undefined, timeoutMs: number, undone: IpcError | undefined): Promise<void> {
    const released = settleWithin(timeoutMs, this.#owner.release?.() ?? DONE);
    try {
      if (left?.name === "connected") await left.connection.close(timeoutMs);
      if (undone !== undefined) throw undone;
    } finally {
      await released;
      this.#connections.enter({ name: "ended", done: DONE });
      this.setStatus("Closed");
      if (left !== undefined) this.#owner.onClosed?.(left.origin, left.name === "detached");
      this.reader.end("done", () => this.#connections.unreachable("read"));
    }
  }

  #end(status: Status, kind: EndKind, error: () => IpcError): void {
    const { state } = this.#connections;
    this.#connections.enter({ name: "ended", done: this.#owner.release?.() ?? DONE }, error);
    if (this.reader.status !== status) this.setStatus(status);
    if ("origin" in state) this.#owner.onClosed?.(state.origin, state.name === "detached");
    this.reader.end(kind, error);
  }
}
