import { formatValue } from "../option-check.js";
import type { Transport } from "../transport.js";
import { type MessagePortLike, PortStream } from "./port-stream.js";
import { onlyTransport } from "./single-stream.js";

const METHODS = ["postMessage", "on", "off", "ref", "unref"] as const;

/**
 * Creates the transport between two threads, over a port of `new MessageChannel()` on each side, or over a `Worker` on one side and
 * its `parentPort` on the other. Either side is the server. It has one connection; calls with the same port
 * return the same transport.
 *
 * The transport owns the port from this call on: nothing else may post to it or listen to it, and it closes the port when the
 * connection ends. It does not terminate a `Worker`. Call it as soon as the Worker exists, because a Worker drops messages that
 * nothing listens for.
 *
 * Data is copied once, so that the memory of a written message stays with its writer. At most 256 KiB are on the way in each
 * direction.
 *
 * The connection ends when either side closes it, or with the worker. `dial` and `listen` reject with `IPC_PEER_GONE` when it has
 * ended, with `IPC_ADDRESS_IN_USE` while it is in use, with `IPC_ABORTED`. A server closes when its connection has ended.
 *
 * @throws TypeError if `port` is neither
 */
export function messagePort(port: MessagePortLike): Transport {
  const members = (typeof port === "object" && port !== null ? port : {}) as Readonly<Record<string, unknown>>;
  const missing = METHODS.find((name) => typeof members[name] !== "function");
  if (missing !== undefined) {
    throw new TypeError(
      `messagePort() takes a MessagePort or a Worker of node:worker_threads, got ${formatValue(port)} without the method \`${missing}\``,
    );
  }
  const address = typeof port.threadId === "number" ? `worker thread ${port.threadId}` : "message port";
  return onlyTransport(port, () => ({
    stream: new PortStream(port),
    address,
    describeEnd: () =>
      `the connection to ${address} has ended: its thread has ended, or one side has closed it; make another MessageChannel or Worker`,
  }));
}
