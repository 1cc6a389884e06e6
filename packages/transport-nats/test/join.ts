import type { Duplex } from "node:stream";
import { type NatsOptions, nats } from "../src/nats.js";
import type { NatsConnectionLike } from "../src/nats-connection.js";

const NAME = { kind: "name" } as const;

/** Passes on what one side publishes, as a broker that `meddle` has in its hands. */
export function meddling(
  connection: NatsConnectionLike,
  meddle: (payload: Buffer, send: (payload: Buffer) => void) => void,
) {
  return {
    ...connection,
    publish: (subject: string, payload: Uint8Array, options: { reply: string }) =>
      meddle(Buffer.from(payload), (data) => connection.publish(subject, data, options)),
    subscribe: connection.subscribe.bind(connection),
    flush: () => connection.flush(),
    status: () => connection.status(),
    isClosed: () => connection.isClosed(),
    isDraining: () => connection.isDraining(),
  } satisfies NatsConnectionLike;
}

export async function join(
  near: NatsConnectionLike,
  far: NatsConnectionLike,
  options: NatsOptions = {},
): Promise<[near: Duplex, far: Duplex]> {
  const accepted = new Promise<Duplex>((resolve) => void nats(far, options).listen("orders", NAME, resolve, {}));
  await far.flush();
  const stream = await nats(near, options).dial("orders", NAME, {});
  return [stream, await accepted];
}

/** Resolves with the error of a stream, or null, and with what it has received until then. */
export async function outcome(stream: Duplex): Promise<{ error: Error | null; received: string }> {
  let received = "";
  stream.on("data", (chunk: Buffer) => {
    received += chunk;
  });
  await new Promise((resolve) => stream.once("close", resolve));
  return { error: stream.errored, received };
}
