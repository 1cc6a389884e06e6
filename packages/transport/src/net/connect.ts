import { connect, type NetConnectOpts, type Socket } from "node:net";
import { guardStream } from "./stream-guard.js";

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
