/** A message of a NATS subscription, as far as the transport uses it. */
export interface NatsMessage {
  readonly data: Uint8Array;
  readonly reply?: string;
  /** With the code 503 and no data: nothing listens at the subject that was published to. */
  readonly headers?: { readonly code: number } | undefined;
}

/** A subscription of a NATS connection, as far as the transport uses it. */
export interface NatsSubscription {
  callback(error: Error | null, message: NatsMessage): void;
  unsubscribe(): void;
  drain(): Promise<void>;
}

/** A status of a NATS connection, as far as the transport uses it. */
export interface NatsStatus {
  readonly type: string;
  readonly error?: Error;
}

/**
 * The part of a `NatsConnection` of `@nats-io/transport-node`, or of another package of nats.js, that is used. Its own declarations are
 * not imported, because they do not compile with every setting of TypeScript.
 */
export interface NatsConnectionLike {
  readonly info?: { readonly max_payload: number } | undefined;
  publish(subject: string, payload: Uint8Array, options: { reply: string }): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: NatsMessage) => void; queue?: string },
  ): NatsSubscription;
  flush(): Promise<void>;
  status(): AsyncIterable<NatsStatus>;
  isClosed(): boolean;
  isDraining(): boolean;
}
