import type { Duplex } from "node:stream";
import { clearTimeout, setTimeout } from "node:timers";
import { type Listener, type ListenOptions, TransportError } from "@ipc/transport";
import { followSignal, messageOf } from "@ipc/transport/internal";
import type { Broker, BrokerUser } from "./broker.js";
import { ANSWER_MS, MIN_WINDOW_BYTES } from "./dial.js";
import { decodeCount, encodeFrame, FRAME } from "./frame.js";
import type { NatsMessage, NatsSubscription } from "./nats-connection.js";
import { NatsStream } from "./nats-stream.js";
import { acceptSubject, parseReply, QUEUE_GROUP } from "./subject.js";

export interface NatsListenerOptions extends ListenOptions {
  readonly broker: Broker;
  readonly name: string;
  readonly address: string;
  readonly window: number;
  readonly onStream: (stream: Duplex) => void;
}

/** Takes requests to connect, for the queue group of a name and for its own instance. */
export class NatsListener implements Listener, BrokerUser {
  readonly address: string;
  readonly #options: NatsListenerOptions;
  readonly #subscriptions: NatsSubscription[];
  /** The subjects of the open connections: no second one gets them. */
  readonly #subjects = new Set<string>();
  #state: "opening" | "open" | "closed" = "opening";
  #failure: Error | undefined;

  /** Resolves when clients can connect. Rejects with `IPC_PERMISSION_DENIED`, `IPC_TRANSPORT_FAILED`, `IPC_PEER_GONE`, `IPC_ABORTED`. */
  static async open(options: NatsListenerOptions): Promise<NatsListener> {
    const listener = new NatsListener(options);
    try {
      await listener.#whenKnown();
      listener.#state = "open";
      return listener;
    } catch (error) {
      listener.#shut();
      throw error;
    }
  }

  private constructor(options: NatsListenerOptions) {
    const { broker, name, instance, address } = options;
    this.address = address;
    this.#options = options;
    const onMessage = (error: Error | null, message: NatsMessage): void => this.#onMessage(error, message);
    this.#subscriptions = [broker.subscribe(acceptSubject(name), onMessage, QUEUE_GROUP)];
    if (instance !== undefined) this.#subscriptions.push(broker.subscribe(acceptSubject(name, instance), onMessage));
    broker.add(this);
  }

  async close(): Promise<void> {
    this.#shut();
  }

  /** Does nothing: the connection to the broker keeps the process alive, and belongs to the program. */
  ref(): void {}

  unref(): void {}

  onReconnected(): void {
    if (this.#state === "open") this.#options.onRelisted?.();
  }

  onClosed(error: TransportError): void {
    this.#lose(error);
  }

  async #whenKnown(): Promise<void> {
    const { broker, signal, address } = this.#options;
    const known = broker.flush();
    try {
      await followSignal(signal, (own) => settled(known, own.signal));
    } catch (cause) {
      const [code, what] = signal?.aborted
        ? (["IPC_ABORTED", "was aborted"] as const)
        : (["IPC_TRANSPORT_FAILED", `failed: ${messageOf(cause)}`] as const);
      throw new TransportError(code, `listening at ${address} ${what}`, { cause });
    }
    if (this.#failure === undefined) return;
    const message = `listening at ${address} failed: ${this.#failure.message}; extend the broker's permissions of this user`;
    throw new TransportError("IPC_PERMISSION_DENIED", message, { cause: this.#failure });
  }

  #onMessage(error: Error | null, message: NatsMessage): void {
    if (error === null) this.#onRequest(message);
    else if (this.#state === "opening") this.#failure = error;
    else this.#lose(error);
  }

  #onRequest({ reply, data }: NatsMessage): void {
    const { broker, name, window, onStream } = this.#options;
    const subjects = parseReply(name, reply);
    const peerWindow = decodeCount(data);
    if (subjects === undefined || peerWindow < MIN_WINDOW_BYTES || this.#subjects.has(subjects.toServer)) return;
    const { toServer: from, toClient: to } = subjects;
    try {
      if (this.#state === "closed") {
        broker.publish(to, encodeFrame(FRAME.reset, 0), from);
        return;
      }
      // Messages follow the answer only, and the stream is there before.
      const subscription = broker.subscribe(from, (error, message) => stream.onMessage(error, message));
      const stream = new NatsStream({ broker, to, from, subscription, window, peerWindow, received: 0 });
      this.#subjects.add(from);
      stream.once("close", () => this.#subjects.delete(from));
      stream.accept();
      onStream(stream);
    } catch {
      // The broker has gone meanwhile: the client notices, and dials again.
    }
  }

  #lose(cause: Error): void {
    if (this.#state !== "open") return;
    this.#shut();
    const message = `the listener at ${this.address} failed (${cause.message}) and was closed; start the server again`;
    this.#options.onLost?.(new TransportError("IPC_LISTENER_LOST", message, { cause }));
  }

  #shut(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#options.broker.remove(this);
    // Requests that are on the way are still answered, so that no client waits for one.
    for (const subscription of this.#subscriptions) void subscription.drain().catch(() => {});
  }
}

/** Settles as `promise`, or with the reason of the signal, or rejects after `ANSWER_MS`. */
function settled(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const message = `the broker has not answered within ${ANSWER_MS} ms; check the connection to it, and start again`;
    const timer = setTimeout(() => fail(new Error(message)), ANSWER_MS);
    const fail = (reason: unknown): void => {
      clearTimeout(timer);
      reject(reason);
    };
    signal?.addEventListener("abort", () => fail(signal.reason), { once: true });
    promise.then(() => {
      clearTimeout(timer);
      resolve();
    }, fail);
  });
}
