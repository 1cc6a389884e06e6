import { connect, type NetConnectOpts, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { hostPort } from "../endpoint.js";

const ignore = (): void => {};

/**
 * Returns the stream, which from now on survives an 'error' that nobody listens for.
 *
 * A peer can reset a connection between its birth and the moment its owner listens; without a listener Node turns that
 * into an uncaught exception, which would let a stranger end the process. The owner still gets every 'error' it listens
 * for, and 'close' follows in any case.
 */
export function guardStream<S extends Duplex>(stream: S): S {
  return stream.on("error", ignore);
}

/**
 * Connects and resolves with a guarded socket that nobody has read from. Rejects with Node's error, or with the signal's
 * reason; then the socket is destroyed. Either way no listener but the guard stays.
 */
export function connectSocket(target: NetConnectOpts, signal: AbortSignal | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const socket = guardStream(connect(target));
    const settle = (): void => {
      socket.off("connect", onConnect);
      socket.off("error", onError);
      signal?.removeEventListener("abort", onAbort);
    };
    const onConnect = (): void => {
      settle();
      resolve(socket);
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    const onAbort = (): void => {
      settle();
      socket.destroy();
      reject(signal?.reason);
    };
    socket.once("connect", onConnect);
    socket.once("error", onError);
    signal?.addEventListener("abort", onAbort);
  });
}

/**
 * Returns who is at the other end: `127.0.0.1:54321` for a TCP socket, else `fallback`. Ask early: a socket that is
 * closed has forgotten it.
 */
export function remoteOf(stream: Duplex, fallback: string): string {
  if (!(stream instanceof Socket)) return fallback;
  const { remoteAddress, remotePort } = stream;
  return remoteAddress === undefined || remotePort === undefined ? fallback : hostPort(remoteAddress, remotePort);
}
