import type { Duplex } from "node:stream";
import { FrameError } from "@ipc/framing";
import type { EndMark, HandshakeOutcome } from "../codec/codec.js";
import type { GoawayReason } from "../codec/control-frame.js";
import type { SilenceNews } from "../diagnostics.js";
import { type ConnectionEnd, connectionEndError, type IpcError } from "../errors.js";
import type { Heartbeat, HeartbeatMember } from "../heartbeat/heartbeat.js";
import { FEATURE } from "../negotiation/offer.js";
import type { ResumableSession } from "../resume/resumable-session.js";
import type { ConnectionSecurity } from "../security.js";
import { closeGracefully, destroyStream, setStreamReferenced } from "../stream-close.js";
import { hasEnded } from "../stream-input.js";
import { ControlChannel } from "./control-channel.js";
import { GracefulClose } from "./graceful-close.js";
import { Receiver, type ReceiverEvents } from "./receiver.js";
import { Sender } from "./sender.js";
import type { SenderOptions } from "./sender-options.js";
import type { WriteQueue } from "./write-queue.js";

export interface ConnectionOptions extends Omit<SenderOptions, "encoder" | "exhausted"> {
  readonly outcome: HandshakeOutcome;
  /** Bytes that arrived after the handshake. */
  readonly rest: Uint8Array;
  /** The longest data of a received message, in bytes. */
  readonly maxReceiveSize: number;
  readonly heartbeat: Heartbeat;
}

export interface ConnectionEvents extends ReceiverEvents {
  /** Called when the peer announces an end; again only if it gives a reason that comes later in `GOAWAY_ORDER`. */
  readonly goaway: (reason: GoawayReason) => void;
  /** Called once; never after `close` or `destroy`. `clean`: the peer closed, and nothing was lost. */
  readonly end: (error: IpcError, clean: boolean) => void;
  /** Nothing has arrived for a while, or bytes arrive again. */
  readonly silence: (news: SilenceNews) => void;
}

/** A peer may give one reason after another in this order; others are ignored. Nothing follows "closing". */
const GOAWAY_ORDER: readonly GoawayReason[] = ["draining", "leaving", "busy", "key withdrawn", "closing"];

/** How a connection has ended whose peer gave one of these reasons before, however the stream ends then. */
const REFUSALS: Partial<Record<GoawayReason, Pick<ConnectionEnd, "code" | "what">>> = {
  busy: { code: "IPC_SERVER_BUSY", what: "connection ended by the peer, which is busy" },
  "key withdrawn": {
    code: "IPC_SECURITY_REFUSED",
    what: "connection ended by the peer, which has withdrawn the key of this connection",
  },
};

/** One established connection: a stream with its receiver and its sender, which ends exactly once. */
export class Connection implements HeartbeatMember {
  readonly security: ConnectionSecurity;
  readonly maxSendSize: number;
  readonly sender: Sender;
  readonly stream: Duplex;
  readonly #heartbeat: Heartbeat;
  readonly #peerEndsInResponse: boolean;
  readonly #receiver: Receiver;
  readonly #endMark: EndMark;
  readonly #session: ResumableSession | undefined;
  readonly #waiting: WriteQueue;
  /** The reason of the peer's last GOAWAY. */
  #goaway: GoawayReason | undefined;
  #refusal: (typeof REFUSALS)[GoawayReason];
  /** Undefined if the peer has no control frames. */
  readonly #control: ControlChannel | undefined;
  /** Undefined before `attach` and after the end. */
  #events: ConnectionEvents | undefined;
  /** Undefined before `close`. */
  #close: GracefulClose | undefined;

  constructor(options: ConnectionOptions) {
    const { stream, outcome, rest, maxReceiveSize, heartbeat, ...sending } = options;
    const { codec } = outcome;
    const { session, waiting } = sending;
    this.stream = stream;
    this.#session = session;
    this.#waiting = waiting;
    this.#heartbeat = heartbeat;
    this.security = codec.security;
    this.maxSendSize = outcome.maxSendSize;
    this.#endMark = codec.endMark;
    this.#peerEndsInResponse = outcome.peerEndsInResponse;
    const decoder = codec.createDecoder(maxReceiveSize);
    // The decoder holds these bytes while the reader is paused; otherwise a peer could exceed the reader's budget.
    if (rest.length > 0) decoder.push(rest);
    const failed = (error: IpcError): void => this.#finish(error, false);
    this.sender = new Sender({ ...sending, stream, encoder: codec, exhausted: failed });
    const hasControl = (outcome.features & FEATURE.controlFrames) !== 0;
    this.#control = hasControl ? new ControlChannel(this.sender, this.#onGoaway, session) : undefined;
    this.#receiver = new Receiver(stream, decoder, failed, this.#control);
  }

  /** Listens to the stream and sends the waiting writes. Nothing is delivered before `begin`. */
  attach(events: ConnectionEvents): void {
    this.#events = events;
    this.#receiver.attach(events);
    this.stream.on("end", this.#onEnd);
    this.stream.on("error", this.#onError);
    this.stream.on("close", this.#onClose);
    this.#heartbeat.join(this);
    const control = this.#control;
    if (control !== undefined) this.#session?.attach((counts) => control.acknowledge(counts));
    this.sender.start();
  }

  /** Starts delivery. Any event, including `end`, may fire before this returns. */
  begin(): void {
    if (this.#events === undefined) return;
    // The stream may have ended before `attach`, and does not say so again.
    if (this.stream.destroyed) this.#onClose();
    else if (hasEnded(this.stream)) this.#onEnd();
    else this.#receiver.run();
  }

  /** Bytes received so far: each shows that the peer is alive. */
  get receivedBytes(): number {
    return this.#receiver.receivedBytes;
  }

  /** Bytes that have arrived, of messages that are not delivered or not complete. */
  get bufferedBytes(): number {
    return this.#receiver.bufferedBytes;
  }

  /** Whether the input waits for the application, or for the next turn of the event loop. */
  get isInputPaused(): boolean {
    return this.stream.isPaused();
  }

  /** Sends a PING, which the peer answers once it reads; none if the peer has no control frames, or after the end. */
  ping(): void {
    if (this.#events !== undefined) this.#control?.ping();
  }

  /** Tells the peer that this side will close once the connection is idle; nothing if it has no control frames. */
  announceDraining(): void {
    this.#control?.goaway("draining");
  }

  onSilent(silenceMs: number): void {
    // No listener of its own: the memory of a chunk is freed only if the receiver is the stream's one reader.
    this.#receiver.notifyOnce(() => this.#heartbeat.heard(this));
    this.#events?.silence({ change: "silent", silenceMs, asked: this.#control !== undefined });
  }

  onResponsive(silenceMs: number): void {
    this.#events?.silence({ change: "responsive", silenceMs, asked: this.#control !== undefined });
  }

  onIdle(silenceMs: number): void {
    const what = `nothing arrived for ${silenceMs} ms, the limit of \`idleTimeoutMs\``;
    const unsentMessages = this.sender.unsent.messages;
    this.#finish(connectionEndError({ code: "IPC_CONNECTION_LOST", what, unsentMessages, droppedBytes: 0 }), false);
  }

  /** Sets whether this connection keeps the process alive. */
  setReferenced(referenced: boolean): void {
    setStreamReferenced(this.stream, referenced);
  }

  /** Stops delivery until `resume`; the paused stream then applies backpressure to the peer. */
  pause(): void {
    this.#receiver.pause();
  }

  resume(): void {
    this.#receiver.resume();
  }

  /**
   * Sends the accepted messages, then ends the stream; input is discarded from now on.
   * @throws SessionError IPC_CLOSE_INCOMPLETE after `timeoutMs`, or when the connection is lost
   */
  close(timeoutMs: number): Promise<void> {
    const session = this.#session;
    const { stream, sender } = this;
    this.#detach();
    // Discard the peer's input, so that a peer that writes before it reads cannot block our output.
    if (session === undefined) stream.resume();
    else this.#receiver.discard();
    const announce = (reason: GoawayReason): void => {
      if (session !== undefined) this.#control?.goaway(reason);
    };
    const peerEndsInResponse = this.#peerEndsInResponse;
    const waiting = this.#waiting;
    this.#close = new GracefulClose({ stream, sender, waiting, session, announce, timeoutMs, peerEndsInResponse });
    return this.#close.run().finally(() => this.#receiver.stop());
  }

  /** Ends the connection at once, as when it is lost. Returns false if it is closing or over. */
  fail(error: IpcError): boolean {
    if (this.#events === undefined) return false;
    this.#finish(error, false);
    return true;
  }

  /** Ends the connection at once, also while it is closing; every wait rejects with `error`. */
  destroy(error: Error): void {
    this.#detach();
    this.sender.fail(error);
    destroyStream(this.stream);
  }

  /**
   * Ends the connection with `error`, because the peer's key was withdrawn. Behind the accepted messages go GOAWAY with that reason,
   * if the peer has control frames, and the announcement of the end; the peer has 250 ms to read them. Nothing that arrives is
   * delivered any more. A close that is under way has 250 ms left, and settles as every close.
   */
  refuse(error: IpcError): void {
    const events = this.#events;
    if (events === undefined && this.#close?.shorten(error) !== true) return;
    this.#detach();
    this.#control?.goaway("key withdrawn");
    void this.sender.flushed();
    if (events === undefined) return;
    void this.sender.closeNotify();
    this.sender.fail(error);
    void closeGracefully(this.stream);
    events.end(error, false);
  }

  readonly #onGoaway = (reason: GoawayReason): void => {
    if (this.#session?.isConcluded === true) this.#close?.onConcluded();
    if (this.#goaway !== undefined && GOAWAY_ORDER.indexOf(reason) <= GOAWAY_ORDER.indexOf(this.#goaway)) return;
    this.#goaway = reason;
    this.#refusal = REFUSALS[reason] ?? this.#refusal;
    this.#events?.goaway(reason);
  };

  readonly #onEnd = (): void => this.#drainInput(undefined);

  readonly #onError = (cause: Error): void => this.#drainInput(cause);

  readonly #onClose = (): void => {
    // The stream may have emitted 'end' before `attach`, if the end arrived with the last handshake bytes.
    if (hasEnded(this.stream)) this.#onEnd();
    else this.#onError(new Error("the stream was closed"));
  };

  /** Delivers the messages that have arrived, then ends the connection. @param failure undefined at the end of the stream */
  #drainInput(failure: Error | undefined): void {
    this.#receiver.drain((droppedBytes) => {
      const truncation = this.#truncation();
      const unsentMessages = this.sender.unsent.messages;
      // A peer that has announced its end has closed, even if the stream fails then, because this side still writes.
      const hasClosed = truncation === undefined && (failure === undefined || this.#endMark !== "none");
      const cause = failure ?? truncation;
      const how = hasClosed
        ? ({ code: "IPC_PEER_CLOSED", what: "connection closed by the peer" } as const)
        : ({ code: "IPC_CONNECTION_LOST", what: `connection cut (${cause?.message})` } as const);
      const error = connectionEndError({ ...how, ...this.#refusal, unsentMessages, droppedBytes, cause });
      this.#finish(error, error.code === "IPC_PEER_CLOSED" && unsentMessages === 0 && droppedBytes === 0);
    });
  }

  /** Returns the error of a stream that may not end after the bytes received. */
  #truncation(): IpcError | undefined {
    // With a session the peer announces its close when both sides have received everything: what follows is not missed.
    if (this.#session !== undefined && this.#goaway === "closing") return undefined;
    const truncation = this.#receiver.truncation();
    if (truncation !== undefined || this.#endMark !== "GOAWAY" || this.#goaway === "closing") return truncation;
    return new FrameError(
      "IPC_FRAME_TRUNCATED",
      "stream truncated: end without GOAWAY; the peer was killed, or destroyed its connection",
    );
  }

  /** The single path for every end that this side did not request. */
  #finish(error: IpcError, clean: boolean): void {
    const events = this.#events;
    if (events === undefined) {
      // A close that waits for acknowledgements gets none any more.
      if (this.#session !== undefined) destroyStream(this.stream);
      return;
    }
    this.#detach();
    if (this.#session === undefined) this.sender.fail(error);
    else this.#session.detach(this.sender.detach(error));
    destroyStream(this.stream);
    events.end(error, clean);
  }

  /** Stops all delivery and events. */
  #detach(): void {
    this.#events = undefined;
    this.#heartbeat.leave(this);
    this.#receiver.stop();
    this.stream.off("end", this.#onEnd);
    this.stream.off("error", this.#onError);
    this.stream.off("close", this.#onClose);
  }
}
