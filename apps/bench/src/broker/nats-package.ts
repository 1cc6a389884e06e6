import { createRequire } from "node:module";
import type { NatsConnectionLike, NatsMessage, NatsSubscription } from "@ipc/transport-nats";

interface Request extends NatsMessage {
  respond(data: Uint8Array | string): boolean;
}

interface RequestOptions {
  readonly callback: (error: Error | null, request: Request) => void;
}

/** A connection of nats.js, as far as the measurements use it. */
export interface NatsConnection extends NatsConnectionLike {
  publish(subject: string, payload: Uint8Array, options?: { readonly reply: string }): void;
  subscribe(subject: string, options: RequestOptions): NatsSubscription;
  request(subject: string, payload?: Uint8Array): Promise<{ string(): string }>;
  stats(): { readonly inMsgs: number; readonly outMsgs: number };
  close(): Promise<void>;
}

// Its declarations do not compile with exactOptionalPropertyTypes, so they are not loaded.
const load = createRequire(import.meta.url);

/** Connects to a broker with `connect` of @nats-io/transport-node. */
export function connect(servers: string): Promise<NatsConnection> {
  const { connect } = load("@nats-io/transport-node") as {
    readonly connect: (options: object) => Promise<NatsConnection>;
  };
  return connect({ servers });
}
