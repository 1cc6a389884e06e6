import { setImmediate } from "node:timers";
import type { EstablishedConnection } from "../codec/codec.js";
import { Connection } from "../connection/connection.js";
import { DetachedSender } from "../connection/detached-sender.js";
import { UnawaitedWrites } from "../connection/unawaited-writes.js";
import { WriteQueue } from "../connection/write-queue.js";
import type { SilenceNews } from "../diagnostics.js";
import { type IpcError, SessionError, type SessionLostError } from "../errors.js";
import { Heartbeat } from "../heartbeat/heartbeat.js";
import type { MessageOrigin, ReceivedMessage } from "../message.js";
import type { PeerEvents, PeerStats, ResumedNews } from "../peer.js";
import type { SessionOwner } from "../resume/resumable-session.js";
import type { ResumeClaim } from "../resume/resume-request.js";
import { type HowLost, SessionKeeper } from "../resume/session-keeper.js";
import { destroyStream } from "../stream-close.js";
import { createInput } from "./connection-input.js";
import { ConnectionOrigin } from "./connection-origin.js";
import { ConnectionReports, type ReportedPeer } from "./connection-reports.js";
import { EarlierConnections } from "./earlier-connections.js";
import type { PeerOwner, PeerStart } from "./peer-owner.js";
import { type PeerInput, PeerReader } from "./peer-reader.js";
import type { Connected, Detached, PeerState, Resumed } from "./peer-state.js";
import { accountOf, describeUndone, isContinued, leave, unreachableError, whyLost } from "./peer-state.js";
import { TrafficCounters } from "./traffic-counters.js";

/** The connections of a peer, one after another, and the session that outlives them: the only place that changes the state. */
export class PeerConnections<E extends PeerEvents> implements SessionOwner, PeerInput, ReportedPeer {
  readonly reader: PeerReader<E>;
  readonly unawaited: UnawaitedWrites;
  readonly #owner: PeerOwner;
  readonly #start: PeerStart;
  readonly #heartbeat: Heartbeat;
  readonly #traffic = new TrafficCounters();
  readonly earlier: EarlierConnections;
  /** Undefined without the option `resume`. */
  readonly #keeper: SessionKeeper | undefined;
  #state: PeerState;
  /** The connection that is established now, or was last. */
  #last: ConnectionOrigin | undefined;
  #isReferenced = true;
  /** Whether no further connection is wanted. */
  #isLast = false;
  /** Why a drain is not complete: the last connection has ended before the peer had everything. */
  undone: SessionError | undefined;

  constructor(start: PeerStart, owner: PeerOwner) {
    const { limits, budgets, heartbeat, status, slips, ownEvents, resume } = start;
    this.#owner = owner;
    this.#start = start;
    this.#heartbeat = heartbeat ?? new Heartbeat(limits);
    this.#keeper = resume && new SessionKeeper(resume, this);
    this.unawaited = new UnawaitedWrites(slips);
    this.#state = { name: "waiting", writes: this.#createQueue() };
    const { maxUnreadBytes } = limits;
    this.reader = new PeerReader<E>({ status, maxUnreadBytes, budget: budgets?.unread, slips, ownEvents }, this);
    this.earlier = new EarlierConnections(this.reader.inbox, this.reader.consumer);
  }

  get state(): PeerState {
    return this.#state;
  }

  get connected(): Connected | undefined {
    return this.#state.name === "connected" ? this.#state : undefined;
  }

  get origin(): ConnectionOrigin | undefined {
    return "origin" in this.#state ? this.#state.origin : undefined;
  }

  get holdsConnected(): boolean {
    return this.earlier.holdsConnected;
  }

  pauseInput(): void {
    this.connected?.input.onFull();
  }

  resumeInput(): void {
    this.connected?.input.onRoom();
  }

  /** False once the peer is closing, closed or failed. */
  get isOpen(): boolean {
    return this.#state.name !== "closing" && this.#state.name !== "ended";
  }

  /** The connection whose messages are being handled, or the one that is established now or was last. */
  get current(): Pick<MessageOrigin, "security" | "remote"> {
    return this.earlier.current ?? this.#last ?? this.#start;
  }

  /** The longest data that can be sent, in bytes, as far as the peer has told. */
  get maxSendSize(): number {
    return this.#last?.maxSendSize ?? this.#start.limits.maxMessageSize;
  }

  get stats(): PeerStats {
    return this.#traffic.stats(accountOf(this.#state), this.reader.unreadBytes, this.unawaited.count);
  }

  /** Changes with each byte that arrives; undefined without a connection. */
  get progress(): number | undefined {
    const connection = this.connected?.connection;
    return connection && this.#traffic.progress + connection.bufferedBytes;
  }

  /** Whether a message of an earlier connection is being handled, or one of the last. */
  get isHandling(): boolean {
    return this.earlier.current !== undefined || (this.#last?.steps.count ?? 0) > 0;
  }

  get isReferenced(): boolean {
    return this.#isReferenced;
  }

  setReferenced(referenced: boolean): void {
    this.#isReferenced = referenced;
    this.connected?.connection.setReferenced(referenced);
  }

  /** No further connection is wanted, so the end of the current one is that of its session. */
  stop(why: string): void {
    this.#isLast = true;
    this.connected?.session?.finalize();
    // It ends here, because nothing resumes it any more.
    if (this.#state.name === "detached") this.undone = describeUndone("drain", this.#state);
    this.evict(why);
  }

  /** Begins an attempt to continue the session; undefined if none waits for a connection. Each is followed by `connect` or `unclaim`. */
  claim(): ResumeClaim | undefined {
    return this.#state.name === "detached" ? this.#keeper?.claim(this.#state.session) : undefined;
  }

  unclaim(): void {
    this.#keeper?.unclaim();
  }

  fence(): void {
    const why = "the client has another connection for the same session";
    this.connected?.connection.fail(new SessionError("IPC_CONNECTION_LOST", `connection ended: ${why}`));
  }

  /** @param isRefused whether the key of the peer was withdrawn */
  evict(why: string, isRefused = false): void {
    const state = this.#state;
    if (state.name !== "detached") return;
    const error = this.#lose(state, why, { isRefused });
    this.enter(this.#disconnected());
    if (this.#owner.onExpired === undefined) this.#owner.onDisconnected(error, false, state.origin);
    else this.#owner.onExpired(error, state.origin);
  }

  /** Takes over a new connection. Returns false if the peer no longer needs one; its stream is then destroyed. */
  connect(established: EstablishedConnection): boolean {
    const { stream, outcome, rest, remote } = established;
    const { changesPeer = false } = this.#start;
    const answer = outcome.resume?.answer;
    const resumed = answer?.how === "resumed" ? answer : undefined;
    // A new client takes the place of one that has not come back.
    if (changesPeer && resumed === undefined) this.evict("another client has connected");
    const state = this.#state;
    const isWanted = resumed === undefined ? state.name !== "connected" : isContinued(state, resumed);
    if (this.#isLast || !this.isOpen || !isWanted) {
      destroyStream(stream);
      return false;
    }
    const { maxMessageSize: maxReceiveSize, maxQueuedBytes, busyPollUs } = this.#start.limits;
    const before = state.name === "detached" ? state : undefined;
    const continued = resumed && before;
    const lost = before && !continued ? this.#lose(before, whyLost(answer), { answer }) : undefined;
    const writes = "writes" in state && lost === undefined ? state.writes : this.#createQueue();
    writes.rejectLarger(outcome.maxSendSize);
    const session = continued?.session ?? this.#keeper?.begin(established, this.#onSettled);
    const { queued, unread } = this.#start.budgets ?? {};
    const limits = { maxReceiveSize, maxQueuedBytes, busyPollUs, budget: queued, heartbeat: this.#heartbeat };
    const connection = new Connection({ stream, outcome, rest, waiting: writes, session, ...limits });
    const isFull = (): boolean => this.reader.isFull;
    const input = createInput({ connection, writes, isFull, deliver: this.#receive, budget: unread }, session);
    const origin =
      continued?.origin ?? new ConnectionOrigin(connection, remote, session, this.unawaited, this.#onSettled);
    const connected: Connected = { name: "connected", connection, origin, writes, session, input };
    this.enter(connected);
    let news: ResumedNews | undefined;
    if (continued !== undefined && resumed !== undefined) {
      news = this.#continue(continued, connection, remote, resumed);
    } else {
      if (changesPeer && this.#last !== undefined) this.earlier.add(this.#last);
      this.#last = origin;
      this.#traffic.connected();
    }
    connection.setReferenced(this.#isReferenced);
    if (this.reader.isFull) input.onFull();
    connection.attach(new ConnectionReports(connected, this));
    this.#owner.onConnected?.(origin, established);
    if (lost !== undefined && before !== undefined) this.#owner.onExpired?.(lost, before.origin);
    // A listener may have ended the peer.
    if (this.#state === connected) this.reader.setStatus("Connected");
    if (this.#state === connected && news !== undefined) this.reader.emitResumed(news);
    // Begin in the next macrotask, so that listeners added as soon as the connection is reported miss no message.
    setImmediate(() => connection.begin());
    return this.isOpen;
  }

  /** A session goes on over a new connection. */
  #continue({ session, origin }: Detached, { sender }: Connection, remote: string, resumed: Resumed): ResumedNews {
    session.rewind(resumed.received, resumed.taken);
    origin.redirect(sender, remote);
    this.#traffic.resumed();
    const sentAgain = session.resend.written - resumed.received;
    return { sentAgain, awayMs: this.#keeper?.attach(session) ?? 0 };
  }

  onSilence(silence: SilenceNews, origin: ConnectionOrigin): void {
    this.#owner.onSilence?.(silence, origin);
    this.reader.emitSilence(silence);
  }

  onEnd(connected: Connected, error: IpcError, clean: boolean): void {
    const { origin, session, writes } = connected;
    if (session?.survives(error) === true) {
      const sender = new DetachedSender(session, writes);
      origin.redirect(sender);
      this.enter({ name: "detached", session, origin, sender, writes });
      this.#keeper?.detach(session);
      sender.start();
      this.#owner.onDetached?.(error, origin);
      return;
    }
    if (this.#isLast) this.undone = describeUndone("drain", connected, error);
    const lost = session && this.#keeper?.end(session, error);
    const reason = lost ?? error;
    writes.rejectAll(reason);
    origin.lose(reason);
    this.enter(this.#disconnected());
    this.#owner.onDisconnected(reason, clean && session?.isComplete !== false, origin);
  }

  /** Ends a session that has no connection. */
  #lose({ session, origin, writes }: Detached, why: string, how: HowLost): SessionLostError {
    const error = (this.#keeper as SessionKeeper).lose(session, why, how);
    writes.rejectAll(error);
    origin.lose(error);
    return error;
  }

  endConnection(origin: MessageOrigin, error: IpcError): boolean {
    const state = this.#state;
    if (!("origin" in state) || state.origin !== origin) return false;
    if (state.name === "detached") {
      this.evict(error.message);
      return true;
    }
    state.session?.finalize();
    return state.connection.fail(error);
  }

  #disconnected(): PeerState {
    return this.#owner.queueWhileDisconnected === true
      ? { name: "waiting", writes: this.#createQueue() }
      : { name: "disconnected" };
  }

  #createQueue(): WriteQueue {
    return new WriteQueue(this.#start.limits.maxQueuedBytes, this.unawaited);
  }

  /**
   * Changes the state, and ends what the state before held, unless `next` takes it over.
   * @param error for the waiting writes, or for a connection that is still open
   */
  enter(next: PeerState, error?: () => IpcError): void {
    const left = this.#state;
    this.#state = next;
    const unreachable = (): SessionError => this.unreachable("write");
    leave(left, next, { error, traffic: this.#traffic, keeper: this.#keeper, unreachable });
  }

  /** Creates the error of a call that needs a connection. */
  unreachable(what: string): SessionError {
    if (this.#state.name === "connected" || this.#state.name === "detached") return this.earlier.heldError(what);
    return unreachableError(what, this.#state.name, this.reader.status, this.#last?.loss);
  }

  readonly #onSettled = (): void => {
    if (this.earlier.size > 0) this.reader.consumer.ready();
  };

  readonly #receive = (message: ReceivedMessage): void => {
    this.#traffic.received(message.data.length);
    const { intercept } = this.#owner;
    if (intercept === undefined) this.reader.receive(message);
    else intercept(message);
  };
}
