import { clearTimeout, setTimeout, type TimerOptions } from "node:timers";
import { setTimeout as pause } from "node:timers/promises";
import { TransportError } from "@ipc/transport";
import { addAbortListener, removeAbortListener } from "@ipc/transport/internal";
import type { Broker, BrokerUser } from "./broker.js";
import { decodeCount, encodeCount, FRAME, HEAD_BYTES } from "./frame.js";
import type { NatsMessage, NatsSubscription } from "./nats-connection.js";
import { NatsStream } from "./nats-stream.js";
import type { ConnectionSubjects } from "./subject.js";

/** How long the broker, or a server that has got a request, may take to answer, in milliseconds. */
export const ANSWER_MS = 2_000;
/** How long a client waits before it asks its former server again, in milliseconds: half of it to one and a half times as long. */
const FIRST_PAUSE_MS = 200;
/** The pause doubles up to this, because all clients of a server that has gone ask the same broker. */
const MAX_PAUSE_MS = 3_200;
/** A smaller window has no room for a chunk. */
export const MIN_WINDOW_BYTES = 65_536;

export interface DialSettings {
  readonly broker: Broker;
  readonly address: string;
  /** The subject of the request. */
  readonly accept: string;
  readonly subjects: ConnectionSubjects;
  readonly window: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Asks for a connection, and resolves with it when a server has accepted. Rejects with `IPC_NO_SERVER`, `IPC_PERMISSION_DENIED`,
 * `IPC_TRANSPORT_FAILED`, `IPC_PEER_GONE`, `IPC_ABORTED`.
 */
export function dialServer(settings: DialSettings): Promise<NatsStream> {
  return new Promise((resolve, reject) => new Dial(settings, resolve, reject));
}

/**
 * Asks the server that a client was connected to, again and again for `returnMs`: after a broker has failed, each process connects to
 * it again in its own time. Resolves with undefined if that server does not answer, or takes no more clients. Rejects with an error of
 * this side's.
 */
export async function dialFormer(
  ask: () => Promise<NatsStream>,
  returnMs: number,
  signal: AbortSignal | undefined,
  wait: (ms: number, value: undefined, options: TimerOptions) => Promise<void> = pause,
): Promise<NatsStream | undefined> {
  const giveUpAt = performance.now() + returnMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
    const asked = ask();
    try {
      return await asked;
    } catch (error) {
      const { code } = error as TransportError;
      if (error instanceof RefusedError) return undefined;
      if (code !== "IPC_NO_SERVER" && code !== "IPC_TRANSPORT_FAILED") return undefined;
    }
    const leftMs = giveUpAt - performance.now();
    if (leftMs <= 0) return undefined;
    await wait(Math.min(pauseMs * (0.5 + Math.random()), leftMs), undefined, {
      ref: false,
      ...(signal && { signal }),
    }).catch(() => {});
  }
}

/** A server that is there does not take the client. */
class RefusedError extends TransportError {}

/** A request to connect, until it is answered. */
class Dial implements BrokerUser {
  readonly #settings: DialSettings;
  readonly #resolve: (stream: NatsStream) => void;
  readonly #reject: (error: TransportError) => void;
  readonly #subscription: NatsSubscription;
  readonly #timer: NodeJS.Timeout;

  constructor(settings: DialSettings, resolve: (stream: NatsStream) => void, reject: (error: TransportError) => void) {
    const { broker, accept, subjects, window, signal } = settings;
    this.#settings = settings;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#subscription = broker.subscribe(subjects.toClient, (error, message) => this.#onMessage(error, message));
    this.#timer = setTimeout(() => this.#onTimeout(), ANSWER_MS);
    broker.add(this);
    addAbortListener(signal, this.#onAbort);
    // The broker takes the subscription first, because it is sent first.
    broker.publish(accept, encodeCount(window), subjects.toClient);
  }

  onDenied(subject: string): void {
    if (subject === this.#settings.accept) this.#deny(`publish to ${subject}`);
  }

  onClosed(error: TransportError): void {
    this.#fail("IPC_PEER_GONE", `was not answered: ${error.message}`);
  }

  readonly #onAbort = (): void => {
    this.#fail("IPC_ABORTED", "was aborted", this.#settings.signal?.reason);
  };

  #onTimeout(): void {
    this.#fail(
      "IPC_TRANSPORT_FAILED",
      `got no answer within ${ANSWER_MS} ms: the server stands still, has ended meanwhile, or may not publish to ${this.#settings.subjects.toClient}`,
    );
  }

  #onMessage(error: Error | null, { data, headers }: NatsMessage): void {
    const { subjects, address } = this.#settings;
    if (error !== null) this.#deny(`subscribe to ${subjects.toClient}`, error);
    else if (data.length === 0 && headers?.code === 503) {
      const next = "start the server, or check that both sides use the same broker and name";
      this.#fail("IPC_NO_SERVER", `found no server at ${address}; ${next}`);
    } else if (data[0] === FRAME.reset) {
      const message = `dialling ${address} reached a server that takes no more clients; dial again`;
      this.#end(new RefusedError("IPC_NO_SERVER", message));
    } else this.#onAnswer(data);
  }

  #onAnswer(data: Uint8Array): void {
    const peerWindow = decodeCount(data.subarray(HEAD_BYTES));
    if (data[0] !== FRAME.accept || peerWindow < MIN_WINDOW_BYTES) {
      this.#fail("IPC_TRANSPORT_FAILED", "got an answer that is not of this protocol");
      return;
    }
    const { broker, subjects, window } = this.#settings;
    const subscription = this.#subscription;
    const [to, from] = [subjects.toServer, subjects.toClient];
    const stream = new NatsStream({ broker, to, from, subscription, window, peerWindow, received: 1 });
    // Now, because the next message may be in the same read.
    subscription.callback = stream.onMessage;
    this.#settle();
    this.#resolve(stream);
  }

  #deny(what: string, cause?: unknown): void {
    const message = `may not ${what}; extend the broker's permissions of this user`;
    this.#fail("IPC_PERMISSION_DENIED", message, cause);
  }

  #fail(code: TransportError["code"], what: string, cause?: unknown): void {
    this.#end(new TransportError(code, `dialling ${this.#settings.address} ${what}`, { cause }));
  }

  #end(error: TransportError): void {
    this.#settle();
    this.#subscription.unsubscribe();
    this.#reject(error);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#settings.broker.remove(this);
    removeAbortListener(this.#settings.signal, this.#onAbort);
  }
}
