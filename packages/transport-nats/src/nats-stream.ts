import { TransportError } from "@ipc/transport";
import { guardStream, WindowedStream } from "@ipc/transport/internal";
import type { Broker, BrokerUser } from "./broker.js";
import { decodeCount, encodeCount, encodeFrame, FRAME, type FrameType, HEAD_BYTES, viewOf } from "./frame.js";
import type { NatsMessage, NatsSubscription } from "./nats-connection.js";

/** So many ticks, two in each heartbeat, may pass without a message: the peer sends one in each. */
const MAX_SILENT_TICKS = 3;
/** A reader tells what it has taken when that is so large a part of the window. */
const TELL_SHARE = 4;
const MAX_CHUNK_BYTES = 65_536;
/** The size of every window until its reader has taken something, and after its writer was idle. */
const FIRST_WINDOW_BYTES = 16_384;

/** The subjects on which a stream sends and receives. */
export interface NatsChannel {
  readonly broker: Broker;
  /** The subject of the peer. */
  readonly to: string;
  /** The own subject, to which the broker answers at once if the peer is gone. */
  readonly from: string;
  /** The subscription to the own subject. */
  readonly subscription: NatsSubscription;
  /** The largest window of this side, in bytes. */
  readonly window: number;
  /** The largest one that the peer has announced. */
  readonly peerWindow: number;
  /** How many messages the peer has sent before. */
  readonly received: number;
}

/**
 * One end of a connection over a broker: a windowed stream whose messages are numbered. A broker may lose messages when it restarts,
 * and an attacker may drop, repeat or reorder them: then the numbers do not follow one another, and the stream is destroyed.
 *
 * A window begins small. It grows while its reader takes what arrives and its writer has use for it, as far as the windows of all
 * connections together may, at both sides. Its writer gives back the rest at once, and after each tick what was of no use in it. So what
 * waits for this process in the broker is bounded, and what waits in this process while the broker is slow.
 */
export class NatsStream extends WindowedStream implements BrokerUser {
  readonly #channel: NatsChannel;
  #sent = 0;
  #received: number;
  #silentTicks = 0;
  /** The most that was on the way to the peer at once since the last tick, in bytes. */
  #peak = 0;
  /** Whether the peer has given back nothing since the last tick. */
  #mayGrow = true;
  #released = false;

  constructor(channel: NatsChannel) {
    super({
      sendWindow: FIRST_WINDOW_BYTES,
      receiveWindow: FIRST_WINDOW_BYTES,
      maxChunk: Math.min(MAX_CHUNK_BYTES, channel.broker.maxPayload - HEAD_BYTES),
      tellAfter: FIRST_WINDOW_BYTES / TELL_SHARE,
    });
    this.#channel = channel;
    this.#received = channel.received;
    channel.broker.add(this);
    guardStream(this);
  }

  /** Tells the client that it is connected. */
  accept(): void {
    this.#send(FRAME.accept, encodeCount(this.#channel.window));
  }

  onTick(): void {
    this.#giveBack();
    this.#silentTicks++;
    if (this.#silentTicks < MAX_SILENT_TICKS) this.#publish(FRAME.ping);
    else
      this.#fail(
        "nothing has arrived for longer than the transport's `heartbeatMs`; the peer or the network stands still",
      );
  }

  onClosed(error: TransportError): void {
    this.destroy(error);
  }

  /** The callback of the subscription. */
  readonly onMessage = (error: Error | null, message: NatsMessage): void => {
    if (error !== null) this.#fail(error.message);
    else this.#receive(message);
  };

  protected override sendChunk(chunk: Uint8Array): void {
    if (this.outstandingBytes > this.#peak) this.#peak = this.outstandingBytes;
    this.#send(FRAME.data, chunk);
  }

  protected override sendTaken(bytes: number): void {
    this.#send(FRAME.taken, encodeCount(bytes));
    const { receiveWindow } = this;
    if (!this.#mayGrow || bytes < receiveWindow / TELL_SHARE) return;
    const more = this.#channel.broker.takeWindow(Math.min(receiveWindow, this.#maxWindow - receiveWindow));
    if (more === 0) return;
    this.#resize(receiveWindow + more);
    this.#send(FRAME.grown, encodeCount(more));
  }

  protected override sendEnd(): void {
    this.#send(FRAME.end);
  }

  protected override sendReset(): void {
    this.#send(FRAME.reset);
  }

  protected override release(): void {
    this.#released = true;
    this.#channel.broker.remove(this);
    this.#channel.broker.returnWindow(this.receiveWindow + this.sendWindow - 2 * FIRST_WINDOW_BYTES);
    this.#channel.subscription.unsubscribe();
  }

  #send(type: FrameType, payload?: Uint8Array): void {
    this.#publish(type, payload);
    this.#sent = (this.#sent + 1) >>> 0;
  }

  #publish(type: FrameType, payload?: Uint8Array): void {
    if (this.#released) return;
    const { broker, to, from } = this.#channel;
    try {
      broker.publish(to, encodeFrame(type, this.#sent, payload), from);
    } catch (error) {
      this.#released = true;
      this.destroy(error as TransportError);
    }
  }

  #receive(message: NatsMessage): void {
    if (this.#released) return;
    const { data } = message;
    this.#silentTicks = 0;
    if (data.length < HEAD_BYTES) {
      if (data.length === 0 && message.headers?.code === 503) this.#peerGone();
      else this.#failProtocol();
      return;
    }
    const view = viewOf(data);
    const type = view.readUInt8();
    if (type === FRAME.reset) {
      this.receiveReset();
      return;
    }
    const sequence = view.readUInt32BE(1);
    if (sequence !== this.#received) {
      this.#fail(
        `message ${sequence} arrived in the place of ${this.#received}: the broker has lost, repeated or reordered messages`,
      );
      return;
    }
    if (type === FRAME.ping) return;
    this.#received = (this.#received + 1) >>> 0;
    if (type === FRAME.end) this.receiveEnd();
    else if (!this.#take(type, data.subarray(HEAD_BYTES))) this.#failProtocol();
  }

  #take(type: number, payload: Uint8Array): boolean {
    if (type !== FRAME.data) return this.#takeCount(type, decodeCount(payload));
    // Memory of its own: that of the message also has messages of other connections.
    const chunk = Buffer.allocUnsafeSlow(payload.length);
    chunk.set(payload);
    return this.receiveChunk(chunk);
  }

  #takeCount(type: number, bytes: number): boolean {
    if (type === FRAME.taken) return this.receiveTaken(bytes);
    if (bytes <= 0) return false;
    if (type === FRAME.grown) return this.#onGrown(bytes);
    return type === FRAME.shrunk && this.#onShrunk(bytes);
  }

  #onGrown(bytes: number): boolean {
    if (this.sendWindow + bytes > this.#maxWindow) return false;
    // Not as much as the peer says, because it may be anything that reaches the broker.
    const wanted = Math.min(bytes, Math.max(0, this.#useful - this.sendWindow));
    const usable = this.#channel.broker.takeWindow(wanted);
    this.resizeSendWindow(this.sendWindow + usable);
    if (usable < bytes) this.#send(FRAME.shrunk, encodeCount(bytes - usable));
    return true;
  }

  #onShrunk(bytes: number): boolean {
    const left = this.receiveWindow - bytes;
    if (left < FIRST_WINDOW_BYTES || left < this.receivedBytes) return false;
    this.#mayGrow = false;
    // Otherwise the peer would keep the window for what it does not know to be taken.
    this.tellTaken();
    this.#resize(left);
    this.#channel.broker.returnWindow(bytes);
    return true;
  }

  /** Neither side makes the other send or take more than it does itself. */
  get #maxWindow(): number {
    return Math.min(this.#channel.window, this.#channel.peerWindow);
  }

  #resize(receiveWindow: number): void {
    this.resizeReceiveWindow(receiveWindow, receiveWindow / TELL_SHARE);
  }

  /** The largest window that is of use to this side: twice what was on the way at once. */
  get #useful(): number {
    return Math.max(FIRST_WINDOW_BYTES, 2 * this.#peak);
  }

  /** Gives back the window that was of no use for a tick. */
  #giveBack(): void {
    const unused = this.sendWindow - this.#useful;
    if (unused > 0) {
      this.resizeSendWindow(this.sendWindow - unused);
      this.#channel.broker.returnWindow(unused);
      this.#send(FRAME.shrunk, encodeCount(unused));
    }
    this.#peak = this.outstandingBytes;
    this.#mayGrow = true;
  }

  /** Nothing listens at the peer's subject any more. */
  #peerGone(): void {
    if (this.peerEnded) this.receiveClose();
    else this.receiveReset();
  }

  #failProtocol(): void {
    this.#fail("a message is not of this protocol, or past the window");
  }

  #fail(what: string): void {
    const message = `the connection over ${this.#channel.from} failed: ${what}`;
    this.destroy(new TransportError("IPC_TRANSPORT_FAILED", message));
  }
}
