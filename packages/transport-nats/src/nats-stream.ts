import { TransportError } from "@ipc/transport";
import { guardStream, WindowedStream, type WindowSizes } from "@ipc/transport/internal";
import type { Broker, BrokerUser } from "./broker.js";
import { decodeCount, encodeCount, encodeFrame, FRAME, type FrameType, HEAD_BYTES, viewOf } from "./frame.js";
import type { NatsMessage, NatsSubscription } from "./nats-connection.js";

/** So many ticks, two in each heartbeat, may pass without a message: the peer sends one in each. */
const MAX_SILENT_TICKS = 3;
const MAX_CHUNK_BYTES = 65_536;

/** Where a stream sends and receives. */
export interface NatsChannel {
  readonly broker: Broker;
  /** The subject of the peer. */
  readonly to: string;
  /** The own subject, to which the broker answers at once if the peer is gone. */
  readonly from: string;
  /** Of the own subject. */
  readonly subscription: NatsSubscription;
  /** The window of this side, in bytes. */
  readonly window: number;
  /** The window that the peer has announced. */
  readonly peerWindow: number;
  /** How many messages the peer has sent before. */
  readonly received: number;
}

/**
 * One end of a connection over a broker: a windowed stream whose messages are numbered. A broker may lose messages when it restarts,
 * and an attacker may drop, repeat or reorder them: then the numbers do not follow one another, and the stream is destroyed.
 */
export class NatsStream extends WindowedStream implements BrokerUser {
  readonly #channel: NatsChannel;
  #sent = 0;
  #received: number;
  #silentTicks = 0;
  #released = false;

  constructor(channel: NatsChannel) {
    super(sizesOf(channel));
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
    this.#send(FRAME.data, chunk);
  }

  protected override sendTaken(bytes: number): void {
    this.#send(FRAME.taken, encodeCount(bytes));
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
    if (type === FRAME.taken) return this.receiveTaken(decodeCount(payload));
    if (type !== FRAME.data) return false;
    // Memory of its own: that of the message also has messages of other connections.
    const chunk = Buffer.allocUnsafeSlow(payload.length);
    chunk.set(payload);
    return this.receiveChunk(chunk);
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

function sizesOf({ broker, window, peerWindow }: NatsChannel): WindowSizes {
  return {
    // No peer makes this side send more than it takes itself: what is sent waits in this process while the broker is slow.
    sendWindow: Math.min(peerWindow, window),
    receiveWindow: window,
    maxChunk: Math.min(MAX_CHUNK_BYTES, broker.maxPayload - HEAD_BYTES),
    tellAfter: window / 4,
  };
}
