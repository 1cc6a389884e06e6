import type { ConnectionSecurity, DataMessage, Status } from "@ipc/session";
import { type Executed, ipcCodeOf, isRefusal, RpcError } from "../rpc-error.js";
import { type CallPeer, endConnection, hasOneConnection, idOf, joinDrain, type Side, sideOf } from "./call-peer.js";
import { type SessionLoss, SessionLosses } from "./session-losses.js";

/** The other side of a connection. */
export interface Caller {
  /** The id of the client, if a manager serves it. */
  readonly id: number | undefined;
  readonly remote: string;
  /** How the connection is protected, and what the other side has proved. */
  readonly security: ConnectionSecurity;
}

/** The events of a link, in the order in which they happened on the connection; and the work that the drain of its peer waits for. */
export interface LinkEvents {
  /** Whether calls are open. */
  readonly isBusy: () => boolean;
  /** The data of a message of the layer's type. */
  readonly frame: (data: Uint8Array) => void;
  /** A message of another type; it is handled when what is returned has settled. */
  readonly other: (message: DataMessage) => void | Promise<void>;
  readonly connected: () => void;
  /** The connection has ended, or the session that outlives connections: then `loss` tells of it. `error` makes the reason for calls. */
  readonly lost: (error: LossReason, loss: SessionLoss | undefined) => void;
  /** This side drains its peer: no connection follows the current one. */
  readonly draining: () => void;
  /** The peer has ended for good: no connection follows. */
  readonly ended: (error: LossReason) => void;
}

export type LossReason = (method: string, executed: Executed) => RpcError;

/** Learns what became of a frame that the peer did not accept at once. */
export interface WriteWatcher {
  onWritten(): void;
  onWriteFailed(error: unknown): void;
}

export interface LinkOptions {
  readonly messageType: number;
  readonly side: Side | undefined;
}

/**
 * The only place that knows how a peer tells one connection from the next, and which side has dialled it. The statuses arrive in
 * order with the messages, so that every message between two of them came over the same connection.
 */
export class Link {
  readonly side: Side;
  readonly #peer: CallPeer;
  readonly #messageType: number;
  readonly #events: LinkEvents;
  readonly #hasOneConnection: boolean;
  /** `away`: the connection was cut, and the session waits for the next one, or was lost. */
  #state: "waiting" | "connected" | "away" | "ended" = "waiting";
  /** Whether the connection belongs to a session that can be resumed. */
  #isResumable = false;
  readonly #losses: SessionLosses;
  /** The status that has told of the end of a session whose loss is told next, if one is. */
  #endStatus: Status | undefined;
  /** The value of `stats.reconnects` while the connection was current whose messages arrive now. */
  #reconnects = 0;
  #isDraining = false;
  #isOtherDraining = false;
  #caller: Caller | undefined;
  /**
   * A message of the current connection, to which frames are sent as replies: they reach no other connection, also while a listener
   * still handles a message of an earlier one. The shortest, because it is kept; none for a peer with one connection.
   */
  #message: DataMessage | undefined;
  /** A promise that has resolved: a peer returns the same one for each write that it accepts at once. */
  #accepted: Promise<void> | undefined;

  /** @throws TypeError */
  constructor(where: string, peer: CallPeer, { messageType, side }: LinkOptions, events: LinkEvents) {
    this.#peer = peer;
    this.#messageType = messageType;
    this.#events = events;
    this.side = sideOf(where, peer, side);
    this.#hasOneConnection = hasOneConnection(peer);
    this.#losses = new SessionLosses(messageType);
  }

  /** Begins to report events, at once if the peer has ended. @throws the peer's IPC_CONSUMER_TAKEN */
  start(): void {
    const peer = this.#peer;
    if (isFinal(peer.status)) {
      this.#end(peer.status);
      return;
    }
    peer.on("message", this.#onMessage);
    peer.on("status", this.#onStatus);
    peer.on("lost", this.#onLost);
    peer.on("draining", this.#onOtherDraining);
    peer.on("close", this.#onClose);
    this.#reconnects = peer.stats.reconnects;
    this.#losses.start(peer.stats.resumes);
    this.#isResumable = peer.security.resumable === true;
    if (peer.status === "Connected") this.#state = "connected";
    else if (peer.status === "Reconnecting" && this.#isResumable) this.#state = "away";
    joinDrain(peer, { isBusy: this.#events.isBusy, onDrain: this.#onDrain });
  }

  /** Whether this side has dialled, and dials again when the connection is lost. */
  get redials(): boolean {
    return this.side === "client" && !this.#hasOneConnection && !this.#isDraining && this.#state !== "ended";
  }

  /** Whether the other side drains: it refuses new calls, and the connection will end. */
  get isOtherDraining(): boolean {
    return this.#isOtherDraining;
  }

  get name(): string {
    return this.#peer.name;
  }

  get security(): ConnectionSecurity {
    return this.#peer.security;
  }

  /** The other side of the current connection. */
  get caller(): Caller {
    if (this.#caller === undefined) {
      const { security, remote } = this.#message ?? this.#peer;
      this.#caller = Object.freeze({ id: idOf(this.#peer), remote, security });
    }
    return this.#caller;
  }

  /** Whether the connection that `caller` belonged to when it was got is still there. */
  isHere(caller: Caller): boolean {
    return this.#caller === caller;
  }

  /**
   * Whether the message that is being delivered came over the connection that the peer has now. After a pause, or a late start,
   * it may come from an earlier one, whose peer had proved something else.
   */
  get isCurrent(): boolean {
    return this.#hasOneConnection || this.#peer.stats.reconnects === this.#reconnects;
  }

  /** The connection that frames go over, if it is a later one than the statuses have come to: it outlives the loss that they tell next. */
  get ahead(): number | undefined {
    if (this.#message !== undefined || this.isCurrent || this.#peer.status !== "Connected") return undefined;
    return this.#peer.stats.reconnects;
  }

  /** Sends a frame. Returns whether the peer has accepted it; otherwise `watcher` learns what becomes of it. */
  send(frame: Uint8Array, watcher: WriteWatcher): boolean {
    const written = this.sendItem(frame);
    if (written === this.#accepted) return true;
    // Bound, because a closure costs memory for each frame, also where none is made.
    written.then(this.#onAccepted.bind(this, written, watcher), watcher.onWriteFailed.bind(watcher));
    return false;
  }

  #onAccepted(written: Promise<void>, watcher: WriteWatcher): void {
    this.#accepted = written;
    watcher.onWritten();
  }

  /** Sends an item; resolves when the peer has accepted it and has room for more. */
  sendItem(frame: Uint8Array): Promise<void> {
    const message = this.#message;
    return message === undefined ? this.#peer.write(this.#messageType, frame) : message.reply(this.#messageType, frame);
  }

  /** Sends a frame without which the other side would wait forever: if it is refused, the connection ends. */
  sendNow(frame: Uint8Array): void {
    this.send(frame, this.#endIfRefused);
  }

  readonly #endIfRefused: WriteWatcher = {
    onWritten() {},
    onWriteFailed: (error) => {
      if (!isRefusal(ipcCodeOf(error))) return;
      const why = "a frame of @ipc/rpc was refused, without which the other side would wait forever";
      endConnection(this.#peer, why, error);
    },
  };

  readonly #onMessage = (message: DataMessage): void | Promise<void> => {
    if (!this.#hasOneConnection) this.#keepShortest(message);
    if (message.type !== this.#messageType) return this.#events.other(message);
    this.#events.frame(message.data);
  };

  #keepShortest(message: DataMessage): void {
    const kept = this.#message;
    if (kept === undefined || message.data.length < kept.data.length) this.#message = message;
  }

  readonly #onStatus = (status: Status): void => {
    this.#loseSession();
    if (status === "Connected") {
      if (this.#state === "away" && this.#losses.goesOn(this.#peer.stats.resumes)) this.#state = "connected";
      else if (this.#state === "away") this.#lose("Reconnecting");
      if (this.#state !== "waiting") return;
      this.#state = "connected";
      this.#isResumable = this.#peer.security.resumable === true;
      this.#reconnects = Math.min(this.#reconnects + 1, this.#peer.stats.reconnects);
      this.#caller = undefined;
      this.#events.connected();
      return;
    }
    if (status === "Reconnecting" && this.#state === "connected" && this.#isResumable) {
      this.#state = "away";
      this.#loseSession();
    } else if (this.hasSession && isLoss(status)) {
      this.#endStatus = status;
      // A side that does not dial tells of its loss right behind the status; of a session without a loss it tells nothing.
      if (this.#isResumable) queueMicrotask(this.#loseSession);
      else this.#loseSession();
    }
    if (isFinal(status)) this.#end(status);
  };

  readonly #onLost = (error: unknown): void => {
    // Without resume, the statuses tell of each loss.
    if (!this.#isResumable) return;
    this.#losses.note(error, this.#peer.stats.resumes);
    this.#loseSession();
  };

  /** Whether calls are made over a connection, or over a session that waits for one. */
  get hasSession(): boolean {
    return this.#state === "connected" || this.#state === "away";
  }

  /** The same, unless that connection has ended and its status is still to come: what is written then reaches one that may prove less. */
  get canSend(): boolean {
    return this.#state === "away" || (this.#state === "connected" && this.#peer.status === "Connected");
  }

  /** Ends the calls over a session that has ended, or that was lost while it waited for a connection. */
  readonly #loseSession = (): void => {
    const status = this.#endStatus;
    const loss = status !== undefined || this.#state === "away" ? this.#losses.take() : undefined;
    if (status !== undefined || loss !== undefined) this.#lose(status ?? "Reconnecting", loss);
  };

  readonly #onDrain = (): void => {
    this.#isDraining = true;
    this.#events.draining();
  };

  readonly #onOtherDraining = (): void => {
    this.#isOtherDraining = true;
  };

  readonly #onClose = (): void => {
    this.#end(this.#peer.status);
    this.#peer.off("message", this.#onMessage);
    this.#peer.off("status", this.#onStatus);
    this.#peer.off("lost", this.#onLost);
    this.#peer.off("draining", this.#onOtherDraining);
    this.#peer.off("close", this.#onClose);
  };

  #lose(status: Status, loss?: SessionLoss): void {
    this.#state = "waiting";
    this.#endStatus = undefined;
    this.#isResumable = false;
    this.#isOtherDraining = false;
    this.#message = undefined;
    this.#caller = undefined;
    this.#events.lost((method, executed) => lossOf(method, status, executed, loss), loss);
  }

  #end(status: Status): void {
    if (this.#state === "ended") return;
    if (this.hasSession) this.#lose(status, this.#losses.take());
    this.#state = "ended";
    this.#events.ended((method, executed) => lossOf(method, status, executed));
  }
}

function isFinal(status: Status): boolean {
  return status === "Closing" || status === "Closed" || status === "Error" || status === "Timeout";
}

function isLoss(status: Status): boolean {
  return status === "Reconnecting" || status === "Disconnected" || isFinal(status);
}

function lossOf(method: string, status: Status, executed: Executed, loss?: SessionLoss): RpcError {
  return status === "Closing" || status === "Closed"
    ? new RpcError("IPC_CLOSED", executed, `${method}: this peer is closed (status: ${status}); start a new one`)
    : new RpcError(
        "IPC_CALL_LOST",
        executed,
        `${method}: the connection was lost (status: ${status}) before the call was answered`,
        loss && { cause: loss.error },
      );
}
