import { once } from "node:events";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { followSignal } from "../abort-listeners.js";
import { hostPort } from "../endpoint.js";

const ignore = (): void => {};

/**
 * Returns the stream, which from now on survives an 'error' without a listener.
 *
 * A peer can reset a connection before its owner has added listeners. Node turns an 'error' without a listener into an uncaught
 * exception, so any client could end the process. The owner still receives every 'error' it listens for, and 'close' follows in
 * any case.
 */
export function guardStream<S extends Duplex>(stream: S): S {
  return stream.on("error", ignore);
}

/** The sockets that Node has made for this package, and whether each never had two readers at once. */
const ownSockets = new WeakMap<Duplex, boolean>();

/** Guards a socket that Node has made. */
export function guardSocket(socket: Socket): Socket {
  ownSockets.set(socket, true);
  return guardStream(socket).on("newListener", onNewListener);
}

/** Not counted when a chunk is emitted, because a `once` listener that is given it has left by then. */
function onNewListener(this: Socket, event: string | symbol): void {
  if (event !== "data" && event !== "readable") return;
  if (this.listenerCount("data") + this.listenerCount("readable") > 0) ownSockets.set(this, false);
}

/**
 * Whether the caller's 'data' listener is the only reader of a socket of this package: each chunk is then memory that nothing else has.
 * A caller's stream may keep what it emits, or emit parts of larger memory.
 */
export function hasOneReader(stream: Duplex): boolean {
  return ownSockets.get(stream) === true;
}

/**
 * Whether a stream keeps no chunk that it has reported as written: a socket of this package does not. A caller's stream may, and so may
 * a `write` that a caller has put in the place of a socket's.
 */
export function forgetsWritten(stream: Duplex): boolean {
  return ownSockets.has(stream) && !Object.hasOwn(stream, "write");
}

/**
 * Connects and resolves with a guarded socket from which nothing has been read. Rejects with Node's error or the signal's
 * reason; the socket is then destroyed. In both cases no listener except the guards remains.
 */
export async function connectSocket(target: NetConnectOpts, signal: AbortSignal | undefined): Promise<Socket> {
  signal?.throwIfAborted();
  const socket = guardSocket(connect(target));
  try {
    await followSignal(signal, (own) => once(socket, "connect", own));
    return socket;
  } catch (error) {
    socket.destroy();
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * Returns the peer's address: `127.0.0.1:54321` for a TCP socket, else `fallback`. Call it early: a closed socket no longer has
 * the address.
 */
export function remoteOf(stream: Duplex, fallback: string): string {
  const { remoteAddress, remotePort } = stream as Partial<Socket>;
  return typeof remoteAddress === "string" && typeof remotePort === "number"
    ? hostPort(remoteAddress, remotePort)
    : fallback;
}
