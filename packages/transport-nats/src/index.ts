export { type NatsOptions, nats } from "./nats.js";
export type { NatsConnectionLike, NatsMessage, NatsStatus, NatsSubscription } from "./nats-connection.js";
