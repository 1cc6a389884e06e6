import { method } from "@ipc/rpc";
import { nats } from "@ipc/transport-nats";
import { connect } from "@nats-io/transport-node";

export const NAME = "example_machines";

export interface Answer {
  readonly total: number;
  /** The server that answered. */
  readonly server: string;
}

export const orders = {
  /** May be repeated: a call that loses its server is made again at another one. */
  price: method<{ id: number }, Answer>({ idempotent: true }),
  /** May not: its error says whether it may have run. */
  pay: method<{ id: number }, Answer>(),
};

/** Connects to the broker; the address and the key are the only configuration. */
export async function join() {
  const { IPC_BROKER: servers = "127.0.0.1:4222", IPC_KEY: key = "" } = process.env;
  const connection = await connect({ servers, maxReconnectAttempts: -1 });
  return {
    transport: nats(connection, { heartbeatMs: 1_000 }),
    security: { psk: Buffer.from(key, "hex") },
    leave: () => connection.close(),
  };
}
