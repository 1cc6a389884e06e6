import { setImmediate } from "node:timers";
import type { AbortOptions } from "@ipc/transport";
import type { EstablishedConnection } from "../codec/codec.js";
import { Connection } from "../connection/connection.js";
import { UnawaitedWrites } from "../connection/unawaited-writes.js";
import { WriteQueue } from "../connection/write-queue.js";
import { Deferred, handledRejection, settleWithin } from "../deferred.js";
import { type IpcError, SessionError } from "../errors.js";
import { Heartbeat } from "../heartbeat/heartbeat.js";
import type { EndKind } from "../inbox/message-source.js";
import { type MessageOrigin, ReceivedMessage, type Status } from "../message.js";
import { validateAbortOptions, validateWrite } from "../options/call-arguments.js";
import type { PeerEvents, PeerStats } from "../peer.js";
import type { ConnectionSecurity } from "../security.js";
import { destroyStream } from "../stream-close.js";
import { ConnectionOrigin } from "./connection-origin.js";
import { Drain, DrainMembers } from "./drain.js";
import { EarlierConnections } from "./earlier-connections.js";
import type { PeerOwner, PeerStart } from "./peer-owner.js";
import { PeerReader } from "./peer-reader.js";
import { type Connected, type PeerState, unreachableError } from "./peer-state.js";
import { TrafficCounters } from "./traffic-counters.js";

const DONE: Promise<void> = Promise.resolve();

/** The state machine of a peer: sends over one connection after another, and receives into one reader. */
export class PeerCore<E extends PeerEvents = PeerEvents> {
  readonly reader: PeerReader<E>;
  readonly unawaited: UnawaitedWrites;
  readonly drainMembers: DrainMembers = new DrainMembers();
  readonly #owner: PeerOwner;
  readonly #start: PeerStart;
  readonly #heartbeat: Heartbeat;
  readonly #traffic = new TrafficCounters();
  readonly #earlier: EarlierConnections;
  #state: PeerState;
  #drain: Drain | undefined;
  /** The connection that is established now, or was last. */
  #last: ConnectionOrigin | undefined;
  #isReferenced = true;

  constructor(start: PeerStart, owner: PeerOwner) {
    const { limits, budgets, heartbeat, status, slips, ownEvents } = start;
    this.#owner = owner;
    this.#start = start;
    this.#heartbeat = heartbeat ?? new Heartbeat(limits);
    this.unawaited = new UnawaitedWrites(slips);
    this.#state = { name: "waiting", writes: new WriteQueue(limits.maxQueuedBytes, this.unawaited) };
    this.reader = new PeerReader<E>({
      status,
      maxUnreadBytes: limits.maxUnreadBytes,
      budget: budgets?.unread,
      slips,
      ownEvents,
      connection: () => this.#connected?.origin,
      endConnection: (origin, error) => this.#connected?.origin === origin && this.#connected.connection.fail(error),
      holdsConnected: () => this.#earlier.holdsConnected,
      pauseInput: () => this.#connected?.connection.pause(),
      resumeInput: () => this.#connected?.connection.resume(),
    });
    this.#earlier = new EarlierConnections(this.reader.inbox, this.reader.consumer);
  }

  get security(): ConnectionSecurity {
    return this.#current.security;
  }

  get remote(): string {
    return this.#current.remote;
  }

  /** The connection whose messages are being handled, or the one that is established now or was last. */
  get #current(): Pick<MessageOrigin, "security" | "remote"> {
    return this.#earlier.current ?? this.#last ?? this.#start;
  }

  get stats(): PeerStats {
    const connection = "connection" in this.#state ? this.#state.connection : undefined;
    return this.#traffic.stats(connection?.sender, this.reader.unreadBytes, this.unawaited.count);
  }

  /** False once the peer is closing, closed or failed. */
  get isOpen(): boolean {
    return this.#state.name !== "closing" && this.#state.name !== "ended";
  }

  get isDraining(): boolean {
    return this.#drain !== undefined;
  }

  get isConnected(): boolean {
    return this.#state.name === "connected";
  }

  /** Whether a write is accepted without waiting. */
  get hasRoom(): boolean {
    return this.#connected?.connection.sender.isFree ?? false;
  }

  get isReferenced(): boolean {
    return this.#isReferenced;
  }

  write(type: number, data: string | Uint8Array, options: AbortOptions | undefined): Promise<void> {
    const state = this.#state;
    if (state.name === "connected" && !this.#earlier.isHolding) return state.origin.reply(type, data, options);
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    const maxSize = this.#last?.maxSendSize ?? this.#start.limits.maxMessageSize;
    const fault = validateWrite(type, bytes, maxSize) ?? validateAbortOptions("write", options);
    if (fault !== undefined) return this.unawaited.reject(fault);
    if (state.name === "waiting") return state.writes.write(type, bytes, options?.signal);
    return this.unawaited.reject(this.#unreachable("write"));
  }

  flush(signal: AbortSignal | undefined): Promise<void> {
    const state = this.#state;
    if (state.name === "connected" && !this.#earlier.isHolding) return state.connection.sender.flush(signal);
    if (state.name === "waiting") return state.writes.size === 0 ? DONE : state.writes.flush(signal);
    return handledRejection(this.#unreachable("flush"));
  }

  /** Announces the end, and closes when the connection is idle. Returns the same promise each time. */
  drain(timeoutMs: number): Promise<void> {
    if (this.#drain !== undefined || !this.isOpen) return this.#drain?.done ?? this.close(timeoutMs);
    const received = (): number | undefined => {
      const connection = this.#connected?.connection;
      return connection && this.#traffic.progress + connection.bufferedBytes;
    };
    this.#drain = new Drain({ received, isBusy: () => this.#isBusy }, { timeoutMs, close: (ms) => this.close(ms) });
    this.#owner.stopAccepting?.();
    this.#connected?.connection.announceDraining();
    this.drainMembers.onDrain();
    return this.#drain.done;
  }

  close(timeoutMs: number): Promise<void> {
    const state = this.#state;
    if (state.name === "closing" || state.name === "ended") return state.done;
    const done = new Deferred<void>({ what: "close", onCancel: () => {} });
    const connected = this.#connected;
    const error = (): SessionError => this.#unreachable("write");
    this.#enter({ name: "closing", connection: connected?.connection, done: done.promise }, error);
    done.resolve(this.#close(connected, timeoutMs));
    this.setStatus("Closing");
    this.#drain?.stop();
    return done.promise;
  }

  destroy(reason: unknown): void {
    this.#owner.onDestroy?.(reason);
    this.unawaited.stop();
    const state = this.#state;
    const error = (): SessionError => new SessionError("IPC_CLOSED", "this peer was destroyed", { cause: reason });
    if (state.name === "closing") state.connection?.destroy(error());
    else if (state.name !== "ended") this.#end("Closed", "destroyed", error);
    this.#drain?.stop();
  }

  /** Sets whether the connections and their source keep the process alive; timers never do. */
  setReferenced(referenced: boolean): void {
    this.#isReferenced = referenced;
    this.#connected?.connection.setReferenced(referenced);
    this.#owner.setReferenced?.(referenced);
  }

  setStatus(status: Status): void {
    this.reader.setStatus(status);
  }

  /** Ends the current connection with `error`, because its key was withdrawn; `onDisconnected` follows, unless it is closing. */
  refuse(error: IpcError): void {
    if ("connection" in this.#state) this.#state.connection?.refuse(error);
  }

  /** Takes over a new connection. Returns false if the peer no longer needs one; its stream is then destroyed. */
  connect({ stream, outcome, rest, remote }: EstablishedConnection): boolean {
    const state = this.#state;
    if (this.isDraining || (state.name !== "waiting" && state.name !== "disconnected")) {
      destroyStream(stream);
      return false;
    }
    const { maxMessageSize: maxReceiveSize, maxQueuedBytes, busyPollUs } = this.#start.limits;
    const waiting = state.name === "waiting" ? state.writes : new WriteQueue(maxQueuedBytes, this.unawaited);
    waiting.rejectLarger(outcome.maxSendSize);
    const budget = this.#start.budgets?.queued;
    const limits = { maxReceiveSize, maxQueuedBytes, busyPollUs, budget, heartbeat: this.#heartbeat };
    const connection = new Connection({ stream, outcome, rest, waiting, ...limits });
    const origin = new ConnectionOrigin(connection, remote, this.unawaited, this.#onSettled);
    this.#enter({ name: "connected", connection, origin });
    if (this.#start.changesPeer === true && this.#last !== undefined) this.#earlier.add(this.#last);
    this.#last = origin;
    this.#traffic.connected();
    connection.setReferenced(this.#isReferenced);
    if (this.reader.isFull) connection.pause();
    connection.attach({
      message: ({ type, data }) => this.#receive(new ReceivedMessage(type, data, origin)),
      bufferDone: (buffer) => this.reader.receivedBuffer(buffer),
      acceptsRemaining: () => this.reader.acceptsRemaining,
      goaway: (reason) => this.reader.emitGoaway(reason),
      end: (error, clean) => {
        origin.lose(error);
        const queue = this.#owner.queueWhileDisconnected && new WriteQueue(maxQueuedBytes, this.unawaited);
        this.#enter(queue ? { name: "waiting", writes: queue } : { name: "disconnected" });
        this.#owner.onDisconnected(error, clean, origin);
      },
      silence: (news) => {
        this.#owner.onSilence?.(news, origin);
        this.reader.emitSilence(news);
      },
    });
    this.#owner.onConnected?.(origin);
    this.setStatus("Connected");
    // Begin in the next macrotask, so that listeners added as soon as the connection is reported miss no message.
    setImmediate(() => connection.begin());
    return this.isOpen;
  }

  /** Ends the peer for good. With an error, every wait rejects with it and `error` is emitted. */
  finish(status: Status, error?: IpcError): void {
    if (!this.isOpen) return;
    this.#end(status, error === undefined ? "done" : "failed", () => error ?? this.#unreachable("read"));
  }

  /** Whether a message waits for its consumer, its step is not over, a layer has work, or a write is queued. */
  get #isBusy(): boolean {
    const { unreadBytes, consumer } = this.reader;
    if (unreadBytes > 0 && (consumer.isConsuming || this.#owner.isConsumed?.() === true)) return true;
    if (this.drainMembers.isBusy || this.#earlier.current !== undefined) return true;
    return (this.#last?.steps.count ?? 0) > 0 || (this.#connected?.connection.sender.queuedBytes ?? 0) > 0;
  }

  get #connected(): Connected | undefined {
    return this.#state.name === "connected" ? this.#state : undefined;
  }

  readonly #onSettled = (): void => {
    if (this.#earlier.size > 0) this.reader.consumer.ready();
  };

  /**
   * The only place that changes the state. Ends what the state before held, unless `next` takes it over.
   * @param error for the waiting writes, or for a connection that is still open
   */
  #enter(next: PeerState, error?: () => IpcError): void {
    const left = this.#state;
    this.#state = next;
    switch (left.name) {
      case "waiting":
        if (error !== undefined) left.writes.rejectAll(error());
        return;
      case "connected":
        if (next.name === "closing" || next.name === "ended") left.origin.end(() => this.#unreachable("write"));
        if (next.name === "closing") return;
        if (error !== undefined) left.connection.destroy(error());
        this.#traffic.disconnected(left.connection.sender);
        return;
      case "closing":
        if (left.connection !== undefined) this.#traffic.disconnected(left.connection.sender);
        return;
      case "disconnected":
      case "ended":
        return;
    }
  }

  #receive(message: ReceivedMessage): void {
    this.#traffic.received(message.data.length);
    const { intercept } = this.#owner;
    if (intercept === undefined) this.reader.receive(message);
    else intercept(message);
  }

  /** The part before the first `await` runs before `close` returns, so nothing is delivered after that. */
  async #close(connected: Connected | undefined, timeoutMs: number): Promise<void> {
    const released = settleWithin(timeoutMs, this.#owner.release?.() ?? DONE);
    try {
      await connected?.connection.close(timeoutMs);
    } finally {
      await released;
      this.#enter({ name: "ended", done: DONE });
      this.setStatus("Closed");
      if (connected !== undefined) this.#owner.onClosed?.(connected.origin);
      this.reader.end("done", () => this.#unreachable("read"));
    }
  }

  #end(status: Status, kind: EndKind, error: () => IpcError): void {
    const connected = this.#connected;
    this.#enter({ name: "ended", done: this.#owner.release?.() ?? DONE }, error);
    if (this.reader.status !== status) this.setStatus(status);
    if (connected !== undefined) this.#owner.onClosed?.(connected.origin);
    this.reader.end(kind, error);
  }

  #unreachable(what: string): SessionError {
    if (this.#state.name === "connected") return this.#earlier.heldError(what);
    return unreachableError(what, this.#state.name, this.reader.status, this.#last?.loss);
  }
}
